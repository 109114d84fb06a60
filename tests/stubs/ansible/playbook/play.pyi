class Play:
    strategy: str
