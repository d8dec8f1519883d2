"""The portal's pages. Each part has its own routes; all names begin with `portal-`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from forms_app.portal import branding, form_page, groups, home, joining, members, profile, signing

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.show_home, name="portal-home"),
    path("sign-in", signing.SignIn.as_view(), name="portal-sign-in"),
    path("sign-out", signing.sign_out, name="portal-sign-out"),
    path("reset", signing.ask_for_reset, name="portal-reset"),
    path("reset/sent", signing.reset_sent, name="portal-reset-sent"),
    path("reset/<str:uidb64>/<str:token>", signing.ConfirmReset.as_view(), name="portal-reset-confirm"),
    path("join/<str:secret>", joining.join, name="portal-join"),
    path("profile", profile.show_profile, name="portal-profile"),
    path("profile/password", profile.change_password, name="portal-password"),
    path("profile/tokens", profile.show_tokens, name="portal-tokens"),
    path("profile/tokens/<uuid:token_id>/revoke", profile.revoke_token, name="portal-token-revoke"),
    path("members", members.show_members, name="portal-members"),
    path("members/invite", members.invite, name="portal-invite"),
    path("members/<uuid:membership>", members.show_member, name="portal-member"),
    path("members/<uuid:membership>/remove", members.remove_member, name="portal-member-remove"),
    path("invitations/<uuid:invitation>/withdraw", members.withdraw, name="portal-invitation-withdraw"),
    path("groups", groups.show_groups, name="portal-groups"),
    path("groups/<uuid:group>", groups.show_group, name="portal-group"),
    path("groups/<uuid:group>/delete", groups.delete_group, name="portal-group-delete"),
    path("branding", branding.show_branding, name="portal-branding"),
    path("branding/logo/<str:digest>.png", branding.show_logo, name="portal-logo"),
    path("branding/colours/<str:colour>.css", branding.show_colours, name="portal-colours"),
    path("forms/<slug:slug>", form_page.show_form, name="portal-form"),
    path("forms/<slug:slug>/options/<str:field>", form_page.show_options, name="portal-form-options"),
    path("public/<str:token>", form_page.show_public_form, name="portal-public-form"),
    path("", include("forms_app.portal.runs.urls")),
]
