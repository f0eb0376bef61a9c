#include "tests/support/aws_probe_ec2.hpp"

#include <functional>

#include "runner/aws/ec2_images.hpp"
#include "runner/aws/ec2_instances.hpp"
#include "runner/aws/ec2_network.hpp"
#include "runner/aws/ec2_snapshots.hpp"
#include "runner/aws/ec2_templates.hpp"
#include "runner/aws/sts.hpp"

namespace toehold::aws::test {

namespace {

using namespace ec2;

std::string text(const Value& question, const char* name) {
  const Value* value = question.find(name);
  return value ? value->text() : std::string();
}

std::optional<bool> flag(const Value& question, const char* name) {
  const Value* value = question.find(name);
  return value ? value->as_bool() : std::nullopt;
}

std::optional<std::int64_t> number(const Value& question, const char* name) {
  const Value* value = question.find(name);
  return value ? value->as_int() : std::nullopt;
}

std::vector<std::string> texts(const Value& question, const char* name) {
  std::vector<std::string> all;
  if (const Value* value = question.find(name)) {
    for (const Value& item : value->list()) all.push_back(item.text());
  }
  return all;
}

Tags tags(const Value& question, const char* name = "tags") {
  Tags all;
  if (const Value* value = question.find(name)) {
    for (const auto& member : value->map()) all[member.key] = member.value.text();
  }
  return all;
}

Value value_of(const Tags& tags) {
  Value map{Value::Map()};
  for (const auto& [key, value] : tags) map.set(key, value);
  return map;
}

Value value_of(const std::vector<std::string>& texts) {
  return Value(Value::List(texts.begin(), texts.end()));
}

Value failed(const Failure& failure) {
  Value::List kinds;
  const auto add = [&](const char* name, bool is) {
    if (is) kinds.emplace_back(name);
  };
  add("not_found", is_not_found(failure));
  add("capacity", is_capacity(failure));
  add("duplicate", is_duplicate(failure));
  add("in_use", is_dependency_violation(failure));
  add("unauthorized", is_unauthorized(failure));
  add("wrong_state", is_wrong_state(failure));
  return Value::object({{"code", failure.code}, {"kinds", Value(std::move(kinds))}});
}

template <class T, class Show>
Value show(Result<T> result, const Show& how) {
  if (result.failure && result.failure->status != 0) return failed(*result.failure);
  return Value::object({{"value", how(result.require())}});
}
template <class T, class Show>
Value show_all(Result<std::vector<T>> result, const Show& how) {
  return show(std::move(result), [&](const std::vector<T>& all) {
    Value::List list;
    for (const T& item : all) list.push_back(how(item));
    return Value(std::move(list));
  });
}
Value show(Result<Done> result) {
  return show(std::move(result), [](const Done&) { return Value("done"); });
}
Value show(Result<std::string> result) {
  return show(std::move(result), [](const std::string& id) { return Value(id); });
}

LaunchRequest launch_request(const Value& question) {
  LaunchRequest request;
  request.image_id = text(question, "image");
  request.instance_type = text(question, "type");
  request.subnet_id = text(question, "subnet");
  request.security_group_ids = texts(question, "groups");
  request.client_token = text(question, "token");
  request.instance_profile = text(question, "instance_profile");
  request.user_data = text(question, "user_data");
  if (const Value* size = question.find("size")) {
    Ebs ebs;
    ebs.volume_size = size->as_int();
    ebs.volume_type = "gp3";
    ebs.encrypted = flag(question, "encrypted");
    ebs.delete_on_termination = true;
    request.block_devices = {{text(question, "device"), ebs, "", false},
                             {"/dev/sdz", {}, "", true}};
  }
  request.metadata = {text(question, "http_tokens"), number(question, "hop_limit"),
                      flag(question, "instance_tags")};
  request.spot = flag(question, "spot").value_or(false);
  request.key_name = text(question, "key");
  request.placement.zone = text(question, "zone");
  request.placement.tenancy = text(question, "tenancy");
  request.public_address = flag(question, "public");
  request.tags = tags(question);
  return request;
}

LaunchPermission permission(const Value& question, const char* name) {
  const Value* value = question.find(name);
  if (!value) return {};
  return {texts(*value, "users"), texts(*value, "groups"), texts(*value, "organizations"),
          texts(*value, "units")};
}

Value instance(const Instance& it) {
  return Value::object({{"id", it.id},
                        {"state", it.state},
                        {"image", it.image_id},
                        {"type", it.type},
                        {"subnet", it.subnet_id},
                        {"lifecycle", it.lifecycle},
                        {"volumes", static_cast<int>(it.volume_ids.size())},
                        {"private", it.private_address},
                        {"tags", value_of(it.tags)}});
}

Value image(const Image& it) {
  return Value::object({{"id", it.id},
                        {"name", it.name},
                        {"state", it.state},
                        {"architecture", it.architecture},
                        {"snapshots", value_of(it.snapshot_ids())},
                        {"created", it.created.value_or(0)},
                        {"tags", value_of(it.tags)}});
}

using Calls = std::map<std::string, std::function<Value(const Region&, const Value&)>>;

Calls instance_calls() {
  return {
      {"run_instance",
       [](const Region& region, const Value& q) {
         return show(run_instance(region, launch_request(q), {}), instance);
       }},
      {"try_run_instance",
       [](const Region& region, const Value& q) {
         return show(try_run_instance(region, launch_request(q), {}));
       }},
      {"describe_instances",
       [](const Region& region, const Value& q) {
         return show_all(describe_instances(region, texts(q, "ids"), {}), instance);
       }},
      {"find_instances",
       [](const Region& region, const Value& q) {
         return show_all(find_instances(region, tag_filters(tags(q)), {}), instance);
       }},
      {"stop_instances",
       [](const Region& region, const Value& q) {
         return show(stop_instances(region, texts(q, "ids"), {}));
       }},
      {"terminate_instances",
       [](const Region& region, const Value& q) {
         return show(terminate_instances(region, texts(q, "ids"), {}));
       }},
      {"console_output",
       [](const Region& region, const Value& q) {
         return show(console_output(region, text(q, "id"), {}));
       }},
  };
}

Calls image_calls() {
  return {
      {"create_image",
       [](const Region& region, const Value& q) {
         return show(create_image(region,
                                  {text(q, "instance"), text(q, "name"), text(q, "description"),
                                   tags(q), tags(q, "snapshot_tags")},
                                  {}));
       }},
      {"copy_image",
       [](const Region& region, const Value& q) {
         return show(
             copy_image(region,
                        {text(q, "from"), text(q, "image"), text(q, "name"), "", text(q, "token"),
                         flag(q, "encrypted"), text(q, "key"), tags(q), tags(q, "snapshot_tags")},
                        {}));
       }},
      {"describe_images",
       [](const Region& region, const Value& q) {
         return show_all(describe_images(region, texts(q, "ids"), {}), image);
       }},
      {"find_images",
       [](const Region& region, const Value& q) {
         const Filters filters{{"name", texts(q, "names")}, {"state", {"available"}}};
         return show_all(find_images(region, texts(q, "owners"), filters, {}), image);
       }},
      {"modify_launch_permission",
       [](const Region& region, const Value& q) {
         return show(modify_launch_permission(region, text(q, "image"), permission(q, "add"),
                                              permission(q, "remove"), {}));
       }},
      {"launch_permission",
       [](const Region& region, const Value& q) {
         return show(launch_permission(region, text(q, "image"), {}),
                     [](const LaunchPermission& it) {
                       return Value::object({{"users", value_of(it.user_ids)},
                                             {"groups", value_of(it.groups)},
                                             {"organizations", value_of(it.organization_arns)},
                                             {"units", value_of(it.organizational_unit_arns)}});
                     });
       }},
      {"deprecate",
       [](const Region& region, const Value& q) {
         return show(enable_image_deprecation(region, text(q, "image"), *number(q, "at"), {}));
       }},
      {"deregister_image",
       [](const Region& region, const Value& q) {
         return show(deregister_image(region, text(q, "image"), {}));
       }},
      {"describe_snapshots",
       [](const Region& region, const Value& q) {
         return show_all(describe_snapshots(region, texts(q, "ids"), {}), [](const Snapshot& it) {
           return Value::object({{"id", it.id}, {"state", it.state}, {"progress", it.progress}});
         });
       }},
      {"delete_snapshot",
       [](const Region& region, const Value& q) {
         return show(delete_snapshot(region, text(q, "snapshot"), {}));
       }},
      {"create_tags",
       [](const Region& region, const Value& q) {
         return show(create_tags(region, texts(q, "ids"), tags(q), {}));
       }},
  };
}

Calls other_calls() {
  return {
      {"find_subnets",
       [](const Region& region, const Value&) {
         return show_all(find_subnets(region, {{"state", {"available"}}}, {}),
                         [](const Subnet& it) { return Value(it.id); });
       }},
      {"default_vpc",
       [](const Region& region, const Value&) {
         return show(default_vpc(region, {}),
                     [](const std::optional<Vpc>& it) { return it ? Value(it->id) : Value(); });
       }},
      {"create_security_group",
       [](const Region& region, const Value& q) {
         return show(create_security_group(region, text(q, "name"), "for a build", text(q, "vpc"),
                                           tags(q), {}));
       }},
      {"authorize_ingress",
       [](const Region& region, const Value& q) {
         return show(authorize_ingress(region, text(q, "group"),
                                       {text(q, "cidr"), 22, text(q, "description")}, tags(q), {}));
       }},
      {"delete_security_group",
       [](const Region& region, const Value& q) {
         return show(delete_security_group(region, text(q, "group"), {}));
       }},
      {"import_key_pair",
       [](const Region& region, const Value& q) {
         return show(import_key_pair(region, text(q, "name"), text(q, "public"), tags(q), {}));
       }},
      {"delete_key_pair",
       [](const Region& region, const Value& q) {
         return show(delete_key_pair(region, text(q, "id"), {}));
       }},
      {"describe_instance_types",
       [](const Region& region, const Value& q) {
         return show_all(describe_instance_types(region, texts(q, "types"), {}),
                         [](const InstanceType& it) { return value_of(it.architectures); });
       }},
      {"find_type_offerings",
       [](const Region& region, const Value& q) {
         return show_all(find_type_offerings(region, texts(q, "types"), {}),
                         [](const TypeOffering& it) { return Value(it.zone); });
       }},
      {"create_launch_template_version",
       [](const Region& region, const Value& q) {
         return show(create_launch_template_version(
                         region,
                         {text(q, "template"), text(q, "source"), text(q, "image"),
                          text(q, "description"), text(q, "token")},
                         {}),
                     [](const LaunchTemplateVersion& it) { return Value(it.number); });
       }},
      {"set_default_version",
       [](const Region& region, const Value& q) {
         return show(set_default_version(region, text(q, "template"), *number(q, "version"), {}));
       }},
      {"caller_account",
       [](const Region& region, const Value& q) {
         if (text(q, "role").empty()) {
           return show(get_caller_identity(region.client, {}),
                       [](const CallerIdentity& it) { return Value(it.account); });
         }
         Role role;
         role.arn = text(q, "role");
         const auto session = session_for_role(region.client.session(), role);
         Client client(*session);
         return show(get_caller_identity(client, {}),
                     [](const CallerIdentity& it) { return Value(it.account); });
       }},
  };
}

class Recorder final : public HttpClient {
 public:
  explicit Recorder(std::string& form) : form_(form) {}
  HttpResponse send(const HttpRequest& request, const OnBody&, std::stop_token) override {
    form_ = request.body;
    HttpResponse response;
    response.status = 400;
    return response;
  }

 private:
  std::string& form_;
};

}  // namespace

Value call_ec2(const Region& region, const Value& question) {
  for (const Calls& calls : {instance_calls(), image_calls(), other_calls()}) {
    const auto found = calls.find(text(question, "call"));
    if (found != calls.end()) return found->second(region, question);
  }
  throw std::invalid_argument("no such call of EC2");
}

MakeHttpClient record_forms(std::string& form) {
  return [&form] { return std::make_unique<Recorder>(form); };
}

}  // namespace toehold::aws::test
