// A C++ program written for FLoM's libflom, without our header: a class that
// wraps the functions, and a lock for as long as an object lives.
#include <iostream>
#include <stdexcept>
#include <string>

#include "old.h"

namespace {

class Handle {
public:
    Handle() : handle()
    {
        check(flom_handle_init(&handle));
    }
    ~Handle()
    {
        flom_handle_clean(&handle);
    }
    void socket(const std::string &name)
    {
        check(flom_handle_set_socket_name(&handle, name.c_str()));
    }
    void resource(const std::string &name)
    {
        check(flom_handle_set_resource_name(&handle, name.c_str()));
    }
    void timeout(int ms)
    {
        check(flom_handle_set_resource_timeout(&handle, ms));
    }
    void lock()
    {
        check(flom_handle_lock(&handle));
    }
    void unlock()
    {
        check(flom_handle_unlock(&handle));
    }
    std::string element() const
    {
        const char *text = flom_handle_get_locked_element(&handle);
        return text == NULL ? "" : text;
    }

private:
    flom_handle_t handle; // on the caller's stack

    Handle(const Handle &);
    Handle &operator=(const Handle &);

    static void check(int rc)
    {
        if (rc != 0)
            throw std::runtime_error(flom_strerror(rc));
    }
};

void take(Handle &handle, const char *socket, const char *name)
{
    handle.socket(socket);
    handle.resource(name);
    handle.timeout(0);
    handle.lock();
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    try {
        Handle set;
        take(set, argv[1], "red.green");
        std::cout << set.element() << std::endl;
        Handle first;
        take(first, argv[1], "cpp");
        try {
            Handle second;
            take(second, argv[1], "cpp");
        } catch (const std::runtime_error &error) {
            std::cout << error.what() << std::endl;
        }
        first.unlock();
        set.unlock();
        std::cout << "'" << set.element() << "'" << std::endl;
    } catch (const std::runtime_error &error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
    return 0;
}
