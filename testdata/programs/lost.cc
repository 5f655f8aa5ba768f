// Loses memory through names that are hard to tell from the paths behind them:
// operators, templates, lambdas, an anonymous namespace, std::function.
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

void *volatile sink;

struct Sum {
  int value;
  Sum operator+(const Sum &other) const
  {
    sink = new int[10];
    return {value + other.value};
  }
  bool operator<(const Sum &) const
  {
    sink = new char[33];
    return false;
  }
  void operator()(int size, const char *) const
  {
    sink = new double[size];
  }
  explicit operator bool() const
  {
    sink = new short(1);
    return true;
  }
};

template <class T> [[gnu::noinline]] void apply(std::function<T *(int)> make)
{
  sink = make(3);
}

[[gnu::noinline]] void lose()
{
  Sum sum{1};
  sum = sum + sum;
  bool less = sum < sum;
  sum(less + 2, "x");
  if (sum)
    apply<long double>([](int n) { return new long double[n]; });
  auto *words = new std::map<std::string, std::vector<int>>;
  (*words)["a key that is too long to be kept in place"] = {1, 2, 3};
  sink = words;
  sink = nullptr;
}

[[gnu::noinline]] void wipe()
{
  char waste[16384];
  std::memset(waste, 0, sizeof waste);
  sink = waste;
  sink = nullptr;
}

} // namespace

int main()
{
  lose();
  wipe();
}
