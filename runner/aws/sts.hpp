// STS: who we are, sessions of a role in another account, and what a denial of EC2 says inside.
// Called by the target ec2 and by distribution; the roles of profiles are profile_credentials'.
// Source: the STS API Reference.
#pragma once

#include <memory>
#include <string>

#include "runner/aws/credential_sources.hpp"
#include "runner/aws/query.hpp"

namespace toehold::aws {

struct CallerIdentity {
  std::string account;  // "123456789012"
  std::string arn;
  std::string user_id;
};
/// Of the credentials, always asked for: Session::account_id takes an instance's word for it.
Result<CallerIdentity> get_caller_identity(Client& client, const Control& control);

/// The same settings (region, endpoints, attempts) with the credentials of `role`, which is assumed
/// at first use with those of `base`, and again before they end. `base` outlives it. Instance
/// metadata is not asked: it is not of that account.
std::unique_ptr<Session> session_for_role(Session& base, const Role& role);

/// What EC2 hides of a denial.
struct Denial {
  bool is_explicit = false;  // a policy says no, instead of none saying yes
  std::string action;        // "ec2:RunInstances"
  std::string resource;      // an ARN
  std::string principal;     // an ARN
  std::string statement;     // the Sids that said no, or those that are there; may be empty
};
/// `told`, the error that the message came with, and what it hid.
Error error_for(const Denial& denial, const Error& told);
/// `encoded`: encoded_authorization_message(failure). Wants sts:DecodeAuthorizationMessage.
Result<Denial> decode_authorization_message(Client& client, const std::string& region,
                                            const std::string& encoded, const Control& control);

}  // namespace toehold::aws
