import typing as t

CLIARGS: t.Mapping[str, t.Any]
