/* What a request is about, by its method and path. */
#ifndef FINSEG_SANDBOX_ROUTE_H
#define FINSEG_SANDBOX_ROUTE_H

enum sb_route {
    SB_ROUTE_NONE, /* no path of the service, or a method that it does not take */
    SB_ROUTE_TOKEN,
    SB_ROUTE_CREATE,
    SB_ROUTE_RETRIEVE,
    SB_ROUTE_OPENAPI,
    SB_ROUTE_FAULTS,
    SB_ROUTE_STATS,
    SB_ROUTES
};

#endif
