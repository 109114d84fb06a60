import typing as t

class Cache:
    def keys(self) -> t.Sequence[str]: ...
    def get(self, key: str) -> dict[str, t.Any]: ...

class CacheLoader:
    def get(self, name: str) -> Cache: ...

cache_loader: CacheLoader
