"""What a person gives on a page along with the values: a comment, and yes or no."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from workflows_app.approvals.deciding import LONGEST_COMMENT


class DecisionForm(forms.Form):
    comment = forms.CharField(
        max_length=LONGEST_COMMENT, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])
