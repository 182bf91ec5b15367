"""What the product does not do, and why."""


class Refusal(ValueError):
    """Something that is refused: `field` names what to mend, the sentence what is wrong and what to do."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
