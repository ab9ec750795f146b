/* A core module, not a component. */
__attribute__((export_name("answer")))
int answer(void) { return 42; }
