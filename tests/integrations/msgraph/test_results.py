"""What Graph answers, in the hands of an author."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from integrations.msgraph.results import Collection, Item, collection, item

SKU = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#subscribedSkus",
    "skuPartNumber": "ENTERPRISEPACK",
    "prepaidUnits": {"enabled": 25},
    "servicePlans": [{"servicePlanName": "TEAMS1"}],
    "azureADDeviceId": "x",
    "extension_ab12_badge": 7,
    "items": "a dict's own method",
}


def test_keys_are_attributes_at_every_depth() -> None:
    sku = item(SKU)

    assert (sku.sku_part_number, sku.prepaid_units.enabled) == ("ENTERPRISEPACK", 25)
    assert sku.service_plans[0].service_plan_name == "TEAMS1"
    assert (sku.skuPartNumber, sku.azure_ad_device_id, sku.extension_ab12_badge) == ("ENTERPRISEPACK", "x", 7)


def test_it_is_a_plain_dict_in_all_else() -> None:
    plain = {name: value for name, value in SKU.items() if name != "@odata.context"}
    sku = item(SKU)

    assert sku == plain
    assert json.loads(json.dumps(collection([SKU]))) == [plain]
    assert sku.get("department", "Unknown") == "Unknown"
    assert ("skuPartNumber", "ENTERPRISEPACK") in sku.items()
    for copied in (copy.deepcopy(sku), pickle.loads(pickle.dumps(sku))):
        assert (copied, copied.prepaid_units.enabled) == (plain, 25)


def test_what_is_not_there_is_an_attribute_error_that_says_what_is() -> None:
    with pytest.raises(AttributeError, match="has no 'department': was it selected\\? It has id, displayName"):
        _ = Item(id="1", displayName="Ann").department
    assert not hasattr(Item(), "department")


def test_an_attribute_cannot_be_set_and_then_be_lost() -> None:
    with pytest.raises(AttributeError):
        Item(id="1").department = "IT"


def test_a_collection_is_a_list_and_its_own_value() -> None:
    users = collection([{"id": "1"}, {"id": "2"}])

    assert (len(users), users.value is users, users[0]["id"], users.value[1].id) == (2, True, "1", "2")
    assert users == [{"id": "1"}, {"id": "2"}]
    assert Collection().value == []
