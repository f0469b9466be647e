"""Train the shipped map product net on line maps, see gnnmax/training/line_maps.py.

python scripts/train_map_product.py SECONDS OUT [FOLDER OF A NET TO CONTINUE]
"""

import sys

import torch

from gnnmax.models.maps.registry import build_map_model
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.trained import save_model
from gnnmax.training.line_maps import LineTraining

if __name__ == "__main__":
    seconds, out, *start = sys.argv[1:]
    net = load_map_model(start[0], "cpu").module if start else build_map_model("map-product")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    LineTraining(net.to(device).train(), device).run(float(seconds), sys.stdout.write)
    save_model(out, net.cpu().eval(), name="map-product", k=None)
