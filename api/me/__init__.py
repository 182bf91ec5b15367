"""The pages of people who are signed in as themselves: what is asked of them, their notices and receipts."""
