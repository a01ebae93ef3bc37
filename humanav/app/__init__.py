"""The browser app: one file per tab, shared pieces beside them; no computing here."""
