// Finds: a word without one of its languages, or whose value got lost in one of them; a browser's wish that is not understood.
#include "web/texts.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <catch2/catch.hpp>

using namespace dsf::web;

TEST_CASE("texts: every word is there in each language, with its value") {
  std::set<std::string_view> names;
  for (const auto& w : all_words()) {
    INFO(w.name);
    CHECK_FALSE(w.en.empty());
    CHECK_FALSE(w.de.empty());
    CHECK(std::ranges::count(w.en, '%') == std::ranges::count(w.de, '%'));
    CHECK(std::ranges::count(w.en, '%') <= 1);
    CHECK(names.insert(w.name).second);
  }
  CHECK(say(language::de, word::search) == "Suchen");
  CHECK(say(language::en, word::search) == "Search");
}

TEST_CASE("texts: a browser's languages by their weights") {
  CHECK(language_of("") == language::en);
  CHECK(language_of("de-DE,de;q=0.9,en;q=0.8") == language::de);
  CHECK(language_of("fr, en;q=0.4, de;q=0.7") == language::de);
  CHECK(language_of("fr,es") == language::en);
  CHECK(language_of("de;q=0, en;q=0.1") == language::en);
  CHECK(language_of(";;,q=,*") == language::en);
}
