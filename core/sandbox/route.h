/* What a request is about, by its method and path. */
#ifndef FINSEG_SANDBOX_ROUTE_H
#define FINSEG_SANDBOX_ROUTE_H

enum fs_route {
    FS_ROUTE_NONE, /* no path of the service, or a method that it does not take */
    FS_ROUTE_TOKEN,
    FS_ROUTE_CREATE,
    FS_ROUTE_RETRIEVE,
    FS_ROUTE_OPENAPI,
    FS_ROUTE_FAULTS,
    FS_ROUTE_STATS,
    FS_ROUTES
};

#endif
