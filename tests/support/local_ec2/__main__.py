"""python -m local_ec2 FOLDER PORT-FILE: runs the cloud on a free port of its network's gateway.

FOLDER is an empty one for all that it keeps; FOLDER/facts tells a shell what is there. It needs a
network and a mount namespace of its own, see tests/integration/ec2.sh.
"""
import os
import shlex
import sys

os.environ["MOTO_AMIS_PATH"] = os.path.join(os.path.dirname(__file__), "base_images.json")
sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))

from werkzeug.serving import make_server

from . import base_image, commands, faults, images, imds, instances, keys, templates
from .cloud import GATEWAY, cloud
from .presets import make_presets
from .server import application


def main():
    cloud.folder = os.path.abspath(sys.argv[1])
    faults.all_calls = open(f"{cloud.folder}/calls.jsonl", "w")
    if not cloud.light:
        instances.make_network()
    for part in (instances, images, keys, commands, templates):
        part.install()
    server = make_server("127.0.0.1" if cloud.light else GATEWAY, 0, application, threaded=True)
    cloud.url = f"http://{server.host}:{server.server_port}"
    if not cloud.light:
        cloud.base_layers = [base_image.make_base(cloud.folder), "/"]
        imds.serve()
    with open(f"{cloud.folder}/facts", "w") as file:
        for name, value in make_presets().items():
            file.write(f"{name}={shlex.quote(value)}\n")
    with open(sys.argv[2], "w") as file:
        file.write(f"{server.server_port}\n")
    server.serve_forever()


main()
