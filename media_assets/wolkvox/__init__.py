"""The vendor: its calls, its handles and what to paste. Knows no Django and nothing of ours."""
