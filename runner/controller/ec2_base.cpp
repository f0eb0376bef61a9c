#include "runner/controller/ec2_base.hpp"

#include <algorithm>

#include "runner/agent/run_directory.hpp"
#include "runner/aws/ssm.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/image_store.hpp"

namespace toehold {

namespace {

using aws::ec2::Image;

std::string id_in_parameter(Ec2Place& place, const std::string& name) {
  const std::string id(trim(aws::get_parameter(place.client(), name, place.control()).value));
  if (id.starts_with("ami-")) return id;
  throw Error(Error::Kind::aws, "the parameter " + name + " holds no id of a machine image",
              "those of Amazon Linux are below /aws/service/ami-amazon-linux-latest");
}

std::string id_of_build(Ec2Place& place, const std::string& name) {
  const Manifest manifest = ImageStore(state_base() / "images").find(name);
  for (const std::string& word : split(manifest.image, ' ')) {
    if (word.starts_with("ami-")) return word;
  }
  throw Error(Error::Kind::usage,
              "image " + manifest.id + " (" + manifest.name +
                  ") is no machine image, but of the target " + manifest.target,
              "build it with the target ec2 in " + place.region());
}

Image newest_of_name(Ec2Place& place, const std::string& pattern) {
  const Ec2Options& options = place.options();
  aws::ec2::Filters filters{{"name", {pattern}}, {"state", {"available"}}};
  if (options.base_architecture != "any") {
    filters.push_back({"architecture", {options.base_architecture}});
  }
  const std::vector<Image> found =
      aws::ec2::find_images(place.here(), {options.base_owner}, filters, place.control()).require();
  if (found.empty()) {
    throw Error(Error::Kind::aws,
                "in " + place.region() + " " + options.base_owner +
                    " has no image whose name fits '" + pattern + "'",
                "list them: aws ec2 describe-images --owners " + options.base_owner + " --region " +
                    place.region());
  }
  return *std::max_element(found.begin(), found.end(), [](const Image& one, const Image& other) {
    return one.created < other.created;
  });
}

Image image_of_id(Ec2Place& place, const std::string& id) {
  auto answer = aws::ec2::describe_images(place.here(), {id}, place.control());
  const bool is_there = !answer.failure || !aws::ec2::is_not_found(*answer.failure);
  if (is_there) {
    const std::vector<Image> found = answer.require();
    if (!found.empty()) return found.front();
  }
  throw Error(Error::Kind::aws, "there is no image " + id + " in " + place.region(),
              "ids differ from region to region; is it that of another one, or not shared?");
}

void require_usable(const Image& image) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Error::Kind::unsupported,
                "cannot build on " + image.id + " (" + image.name + "): " + why);
  };
  if (image.state != "available") refuse("it is " + image.state);
  if (lower(image.platform) == "windows") refuse("it is a Windows image");
  if (image.root_device_type != "ebs") refuse("its root is no EBS volume");
}

}  // namespace

Image resolve_ec2_base(Ec2Place& place) {
  const fs::path pin = place.context().directory / "base-image";
  const std::string& base = place.options().base;
  std::error_code error;
  Image image;
  if (fs::exists(pin, error)) {
    image = image_of_id(place, std::string(trim(read_file(pin, 256))));
  } else if (base.starts_with("name:")) {
    image = newest_of_name(place, base.substr(5));
  } else if (base.starts_with("ssm:")) {
    image = image_of_id(place, id_in_parameter(place, base.substr(4)));
  } else if (base.starts_with("build:")) {
    image = image_of_id(place, id_of_build(place, base.substr(6)));
  } else {
    image = image_of_id(place, base);
  }
  require_usable(image);
  write_file_atomically(pin, image.id + "\n");
  return image;
}

}  // namespace toehold
