"""How long a text is as an SMS. Source: GSM 03.38 (3GPP TS 23.038), default alphabet and its extension table."""

SMS_SEPTETS = 160  # of one SMS in the 7-bit alphabet

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # sent as an escape and a second septet


def septets(text: str) -> int | None:
    """Length in septets; None when a character has no place in the alphabet (the SMS would become UCS-2, 70 long)."""
    length = 0
    for character in text:
        if character in _BASIC:
            length += 1
        elif character in _EXTENDED:
            length += 2
        else:
            return None
    return length


def fits_one_sms(text: str) -> bool:
    length = septets(text)
    return length is not None and length <= SMS_SEPTETS
