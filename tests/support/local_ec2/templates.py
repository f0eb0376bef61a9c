"""Launch templates: versions that begin with another one's data, and ClientToken."""
import copy

from moto.ec2.responses import EC2Response

from .once import with_token

create_version = EC2Response.create_launch_template_version


def create_launch_template_version(self):
    source = self._get_param("SourceVersion")
    if source:
        name, template_id = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
        template = (self.ec2_backend.get_launch_template_by_name(name) if name
                    else self.ec2_backend.get_launch_template(template_id))
        data = copy.deepcopy(template.get_version(source).data)
        data.update(self._get_param("LaunchTemplateData", {}))
        self.params["LaunchTemplateData"] = data
    return create_version(self)


def install():
    EC2Response.create_launch_template_version = create_launch_template_version
    with_token(EC2Response, "create_launch_template_version")
    with_token(EC2Response, "create_launch_template")
