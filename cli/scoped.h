/* Sessions and views that end with the block they are in. */
#ifndef HEAPDIFF_CLI_SCOPED_H
#define HEAPDIFF_CLI_SCOPED_H

#include <heapdiff/session.h>
#include <heapdiff/view.h>

#define SCOPED(destroy) __attribute__((cleanup(destroy)))

static inline void end_session(hd_session **session)
{
  hd_session_destroy(*session);
}

static inline void end_view(hd_view **view)
{
  hd_view_destroy(*view);
}

#endif
