"""Key pairs that go by their id, too: moto knows only the name."""
from moto.ec2.responses import EC2Response

delete_by_name = EC2Response.delete_key_pair


def delete_key_pair(self):
    wanted = self._get_param("KeyPairId")
    for key in list(self.ec2_backend.key_pairs.values()) if wanted else ():
        if key.id == wanted:
            self.params["KeyName"] = key.key_name
    return delete_by_name(self)


def install():
    EC2Response.delete_key_pair = delete_key_pair
