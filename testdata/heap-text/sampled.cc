#include <gperftools/malloc_extension.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
static void *volatile keep;
[[gnu::noinline]] void leak_small(int n) { for (int i = 0; i < n; i++) { keep = malloc(1000); memset(keep, 1, 1000); } }
[[gnu::noinline]] void leak_large(int n) { for (int i = 0; i < n; i++) { keep = malloc(100000); memset(keep, 1, 100000); } }
[[gnu::noinline]] void churn(int n) { for (int i = 0; i < n; i++) { keep = malloc(5000); free(keep); } }
static void write(const char *name, const std::string &text) { FILE *f = fopen(name, "w"); fwrite(text.data(), 1, text.size(), f); fclose(f); }
int main() {
  for (int i = 1; i <= 3; i++) {
    leak_small(10000); leak_large(20); churn(20000);
    std::string s; MallocExtension::instance()->GetHeapSample(&s); write(("sampled." + std::to_string(i) + ".heap").c_str(), s);
    s.clear(); MallocExtension::instance()->GetHeapGrowthStacks(&s); write(("growth." + std::to_string(i)).c_str(), s);
  }
}
