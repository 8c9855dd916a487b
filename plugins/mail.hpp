// Mails that processes send (dsf-bpe 5.4, MailService): plain text to configured or given recipients. Not signed with S/MIME.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace dsf::plugins {

struct mail {
  std::string subject;
  std::string text;
  std::vector<std::string> to;  // empty: those of the site's settings
  std::string idempotency_key;  // of the activation: the same one, text and recipients give the same Message-ID
};

struct mail_defaults {
  std::string from;
  std::vector<std::string> to, cc, reply_to;
};

struct finished_mail {
  std::vector<std::string> recipients;  // of the envelope
  std::string message_id;               // without its brackets
  std::string text;                     // header and body (RFC 5322, MIME)
};

// Errors name what can't be in a mail: a line break in the subject, an address that is none, more than the limits.
base::result<finished_mail> finish_mail(const mail& m, const mail_defaults& defaults, base::timestamp now);

// Sends, and gives the Message-ID. Blocks.
using mail_sender = std::function<base::result<std::string>(const mail&)>;

}  // namespace dsf::plugins
