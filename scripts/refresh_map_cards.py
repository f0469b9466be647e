"""Measure the shipped nets on maps, and write the figures of their cards, in about two minutes.

python scripts/refresh_map_cards.py
"""

from gnnmax.models.model_folders import SHIPPED
from gnnmax.report.shipping import MAP_TESTS, refresh_map_card

if __name__ == "__main__":
    for name in MAP_TESTS:
        refresh_map_card(name, SHIPPED / name)
