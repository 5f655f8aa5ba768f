// What the compiler is measured on: little of its own, much of the library.
#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<int>> index(const std::vector<std::string> &words) {
  std::map<std::string, std::vector<int>> result;
  for (size_t i = 0; i < words.size(); i++)
    result[words[i]].push_back(static_cast<int>(i));
  return result;
}
