"""ClientToken: the second call with one answers what the first one made, as EC2 does."""
import json

from moto.ec2.exceptions import EC2ClientError

from .cloud import cloud


def with_token(responses, name):
    """Makes a method of moto's responses heed the token."""
    method = getattr(responses, name)

    def call(self):
        token = self._get_param("ClientToken")
        if not token or self._get_param("DryRun", False):
            return method(self)
        said = json.dumps({k: v for k, v in self.params.items() if k != "ClientToken"}, sort_keys=True, default=str)
        key = (name, self.current_account, self.region, token)
        with cloud.lock:
            if key not in cloud.tokens:
                cloud.tokens[key] = (said, method(self))
            earlier, answer = cloud.tokens[key]
        if earlier != said:
            raise EC2ClientError("IdempotentParameterMismatch", "Arguments on this idempotent request are "
                                 "inconsistent with arguments used in previous request(s).")
        return answer

    setattr(responses, name, call)
