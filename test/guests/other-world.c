/* A component for another kind of host. */
__attribute__((export_name("acme:things/run@1.0.0#run")))
int run(void) { return 42; }
