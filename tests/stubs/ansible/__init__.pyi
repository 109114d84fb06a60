"""The part of ansible-core that the plugins use, as types; ansible-core brings none that a checker may read."""
