// Faults these find: an address that ends a header or command, and one of everyday use that is refused.
#include "base/mail_address.hpp"

#include <catch2/catch.hpp>

#include <string>

using dsf::base::is_mail_address;

TEST_CASE("mail addresses") {
  for (const auto* good : {"a@b", "first.last+tag@mail.hospital-a.example", "o'neil@x.org", "root@localhost"}) {
    CAPTURE(good);
    CHECK(is_mail_address(good));
  }
  for (const auto* bad : {"", "a", "@b", "a@", "a@@b", "a b@c", "a@b c", "a@b\r\nRCPT TO:<x@y>", "<a@b>", "a@b>", "a..b@c", ".a@b", "a@b.",
                          "\"a\"@b", "a@[127.0.0.1]", "a,b@c", "ä@b.de"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_mail_address(bad));
  }
  CHECK_FALSE(is_mail_address(std::string(65, 'a') + "@b"));
  CHECK_FALSE(is_mail_address("a@" + std::string(300, 'b')));
}
