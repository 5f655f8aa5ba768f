// C++ call sites: every allocation below happens inside libstdc++'s templates,
// and must be charged to the line here that asked for it. Everything leaks on
// purpose. The known answers are those of libstdc++ on a 64-bit machine; what a
// container really holds is asked of the container where it knows.
//
// containers [--truth FILE]
#include "truth.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace
{

struct Order {
  long id;
  double price;
  char note[48];
};

// Sizes of libstdc++'s nodes (bits/stl_tree.h, bits/hashtable_policy.h,
// bits/shared_ptr_base.h).
constexpr size_t tree_node = 32, hash_node = 8, shared_head = 16;

template <typename T> struct Pool {
  T *last = nullptr;
  size_t made = 0;
  int line = 0;
  [[gnu::always_inline]] T *make()
  {
    line = __LINE__ + 1;
    last = new T(); // one object a call
    made++;
    return last;
  }
};

[[gnu::noinline]] void grow_vector()
{
  auto *v = new std::vector<Order>; // 24 bytes
  truth_expect(__func__, __LINE__ - 1, sizeof *v, 1);
  for (long i = 0; i < 5000; i++)
    v->push_back(Order{i, 1.5, ""}); // one block: capacity (8,192) times 64 bytes
  truth_expect(__func__, __LINE__ - 1, v->capacity() * sizeof(Order), 1);
}

[[gnu::noinline]] void grow_string()
{
  auto *s = new std::string;
  truth_expect(__func__, __LINE__ - 1, sizeof *s, 1);
  for (int i = 0; i < 100000; i++)
    *s += "some text "; // one block: capacity and the final NUL
  truth_expect(__func__, __LINE__ - 1, s->capacity() + 1, 1);
}

[[gnu::noinline]] void grow_map()
{
  auto *m = new std::map<int, long>;
  truth_expect(__func__, __LINE__ - 1, sizeof *m, 1);
  for (int i = 0; i < 3000; i++)
    (*m)[i] = i; // a node a key
  truth_expect(__func__, __LINE__ - 1, m->size() * (tree_node + sizeof(std::pair<const int, long>)),
               m->size());
}

[[gnu::noinline]] void grow_hash()
{
  auto *h = new std::unordered_map<long, long>;
  truth_expect(__func__, __LINE__ - 1, sizeof *h, 1);
  for (long i = 0; i < 3000; i++)
    h->emplace(i, i); // a node a key, and one array of buckets
  truth_expect(__func__, __LINE__ - 1,
               h->size() * (hash_node + sizeof(std::pair<const long, long>)) +
                   h->bucket_count() * sizeof(void *),
               h->size() + 1);
}

[[gnu::noinline]] void share()
{
  constexpr size_t count = 1000;
  auto *all = new std::vector<std::shared_ptr<Order>>;
  truth_expect(__func__, __LINE__ - 1, sizeof *all, 1);
  all->reserve(count);
  truth_expect(__func__, __LINE__ - 1, count * sizeof(std::shared_ptr<Order>), 1);
  for (size_t i = 0; i < count; i++) {
    auto order = std::make_shared<Order>(); // control block and object in one
    truth_expect(__func__, __LINE__ - 1, shared_head + sizeof(Order), 1);
    all->push_back(order);
  }
}

// A template's member, inlined here: the site is the line in Pool<Order>::make.
[[gnu::noinline]] void fill_pool()
{
  static Pool<Order> pool;
  static Order *volatile keep;
  for (int i = 0; i < 700; i++)
    keep = pool.make();
  (void)keep;
  truth_expect("make", pool.line, pool.made * sizeof(Order), pool.made);
}

// Allocates and frees as much as anything here: nothing may be charged to it.
[[gnu::noinline]] size_t churn()
{
  size_t total = 0;
  for (int i = 0; i < 2000; i++) {
    std::vector<std::string> words(8, std::string(100, 'x'));
    total += words.size();
  }
  return total;
}

} // namespace

int main(int argc, char **argv)
{
  if (argc == 3 && std::strcmp(argv[1], "--truth") == 0 && truth_start(argv[2]) != 0)
    return 3;
  grow_vector();
  grow_string();
  grow_map();
  grow_hash();
  share();
  fill_pool();
  std::printf("%zu words\n", churn());
  return truth_finish() == 0 ? 0 : 3;
}
