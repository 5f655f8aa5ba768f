// Strings, maps and vectors as a C++ program uses them.
//
//   stl ROUNDS
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Document {
  std::string title;
  std::vector<std::string> words;
  std::map<std::string, std::vector<int>> index;
};

std::string word(unsigned &random) {
  random = random * 1664525u + 1013904223u;
  std::string text = "word-";
  for (unsigned i = 0; i < 3 + (random >> 28); i++)
    text += static_cast<char>('a' + ((random >> (i % 24)) % 26));
  return text;
}

std::unique_ptr<Document> write(unsigned &random) {
  auto document = std::make_unique<Document>();
  std::ostringstream title;
  title << "a document with the number " << random;
  document->title = title.str();
  for (int i = 0; i < 300; i++)
    document->words.push_back(word(random));
  for (size_t i = 0; i < document->words.size(); i++)
    document->index[document->words[i]].push_back(static_cast<int>(i));
  return document;
}

size_t search(const std::list<std::unique_ptr<Document>> &all) {
  std::unordered_map<std::string, size_t> counts;
  for (const auto &document : all)
    for (const auto &entry : document->index)
      counts[entry.first] += entry.second.size();
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted.size();
}

} // namespace

int main(int argc, char **argv) {
  int rounds = argc > 1 ? std::atoi(argv[1]) : 1;
  std::list<std::unique_ptr<Document>> all;
  unsigned random = 1;
  size_t found = 0;
  for (int i = 0; i < rounds; i++) {
    all.push_back(write(random));
    if (all.size() > 40)
      all.pop_front();
    if (i % 20 == 0)
      found += search(all);
  }
  std::cout << found << "\n";
}
