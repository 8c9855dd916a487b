// Values that the resources of the search campaign hold and its requests ask for: few, so that they meet.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dsf::search_values {

inline constexpr const char* systems[] = {"http://s.example/one", "http://s.example/two", ""};
inline constexpr const char* codes[] = {"a", "b", "aa", "a,b"};
inline constexpr const char* texts[] = {"Alpha", "alphabet", "BETA", "Ärzte", "ärzteschaft", "ta", "Berlin, Mitte"};
inline constexpr const char* urls[] = {"http://x.example/a", "http://x.example/ab", "http://x.example/a/b", "http://x.example/a|1.0"};
inline constexpr const char* versions[] = {"1.0", "1.1", "1"};
inline constexpr const char* dates[] = {"2025",
                                        "2025-02",
                                        "2025-02-01",
                                        "2025-02-01T10:00:00Z",
                                        "2025-02-01T12:00:00+02:00",
                                        "2025-02-01T10:00:00.5Z",
                                        "2025-02-01T10:00:01Z",
                                        "2025-01-31",
                                        "1969-12-31T23:59:59Z"};
inline constexpr const char* prefixes[] = {"", "eq", "ne", "gt", "lt", "ge", "le"};
inline const std::map<std::string_view, std::vector<std::string>> status_codes = {
    {"Task", {"draft", "requested", "in-progress", "completed"}},
    {"Endpoint", {"active", "off", "test"}},
    {"QuestionnaireResponse", {"in-progress", "completed", "amended"}},
    {"Subscription", {"active", "off", "websocket", "email"}}};

}  // namespace dsf::search_values
