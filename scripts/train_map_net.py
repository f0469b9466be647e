"""Train a shipped net on maps, see gnnmax/training/device_training.py.

python scripts/train_map_net.py NAME SECONDS OUT [FOLDER OF A NET TO CONTINUE]
"""

import sys

import torch

from gnnmax.models.maps.registry import build_map_model
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import save_model
from gnnmax.training.device_training import DeviceTraining
from gnnmax.training.drawn_maps import sources_of

if __name__ == "__main__":
    name, seconds, out, *start = sys.argv[1:]
    net = load_map_model(start[0], "cpu").module if start else build_map_model(name)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    DeviceTraining(net.to(device).train(), device).run(sources_of(name, device), float(seconds), sys.stdout.write)
    save_model(out, net.cpu().eval(), name=name, k=None)
