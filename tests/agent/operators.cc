// Every C++ operator new and delete, for an allocator that brings its own: what
// must have been counted, as in allocs.c.
#include "site.h"

#include <cstdio>
#include <new>
#include <string>
#include <vector>

struct alignas(64) wide {
  char data[192];
};

SITE char *site_new()
{
  char *p = static_cast<char *>(operator new(100));
  KEEP(p);
  return p;
}
SITE char *site_new_array()
{
  char *p = new char[300];
  KEEP(p);
  return p;
}
SITE char *site_nothrow()
{
  char *p = new (std::nothrow) char[50];
  KEEP(p);
  return p;
}
SITE wide *site_aligned()
{
  wide *p = new wide;
  KEEP(p);
  return p;
}

int main()
{
  site_new();
  operator delete(site_new());
  site_new_array();
  delete[] site_new_array();
  site_nothrow();
  site_aligned();
  delete site_aligned();
  try {
    KEEP(operator new(static_cast<size_t>(-1) / 4));
    return 1;
  } catch (const std::bad_alloc &) {
  }
  std::puts("site_new 100 1 200 2\nsite_new_array 300 1 600 2\nsite_nothrow 50 1 50 1\n"
            "site_aligned 192 1 384 2");
  return 0;
}
