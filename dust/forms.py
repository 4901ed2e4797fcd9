"""The form with which support gives DUST or corrects a balance."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from dust import ledger
from dust.errors import DustError, KeyConflict
from dust.models import MAX_AMOUNT, Account
from dust.statements import Movement

GRANT, CORRECT = "grant", "correct"
ACTIONS = {GRANT: "Grant: give new DUST", CORRECT: "Correct: put a wrong balance right, up or down"}


class GrantForm(forms.Form):
    """Asked twice: first filled in, then, with `confirmed`, carried out.

    `nonce` is made with the empty form and becomes the ledger's key: however often the same page is sent, the
    dust moves once.
    """

    action = forms.ChoiceField(choices=list(ACTIONS.items()), initial=GRANT, widget=forms.RadioSelect)
    amount = forms.IntegerField(
        min_value=-MAX_AMOUNT,
        max_value=MAX_AMOUNT,
        help_text="Whole DUST. Only a correction may be negative.",
    )
    reason = forms.CharField(
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="The user sees this beside the amount.",
    )
    nonce = forms.UUIDField(widget=forms.HiddenInput)
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    @classmethod
    def empty(cls) -> "GrantForm":
        return cls(initial={"nonce": uuid.uuid4()})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount = cleaned.get("amount")
        if amount == 0 or (amount is not None and amount < 0 and cleaned.get("action") == GRANT):
            self.add_error("amount", ValidationError("A grant is at least 1, a correction anything but 0."))
        return cleaned

    def preview(self, account: Account) -> dict[str, Any]:
        """Say what carrying this valid form out would do, for a person to confirm."""
        amount = self.cleaned_data["amount"]
        return {"action": ACTIONS[self.cleaned_data["action"]], "after": account.available + amount}

    def carry_out(self, account: Account, *, actor: str) -> Movement | None:
        """Move the dust; return None, with the reason as an error of this form, if the ledger refuses."""
        verb = ledger.grant if self.cleaned_data["action"] == GRANT else ledger.adjust
        key = f"admin:{self.cleaned_data['nonce']}"
        reason = self.cleaned_data["reason"]
        try:
            return verb(account.pk, self.cleaned_data["amount"], key=key, actor=actor, reason=reason)
        except KeyConflict:
            self.add_error(None, "This page was used already, for another amount. Open it anew.")
        except DustError as error:
            self.add_error(None, error.message)
        return None
