"""Addresses as pages show them: enough to recognise, too little to use."""


def masked(address: str) -> str:
    """Return an e-mail address or a number in E.164 with its middle taken out."""
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    if len(address) < 11:
        return f"****{address[-2:]}"
    return f"{address[:-8]}****{address[-4:]}"
