/*
** Calls the host's interfaces from a guest's exports, with a message for each result. Include it after sentence.h.
*/
enum { TRY_SESSION, TRY_SPI, TRY_CHANGESET, TRIES };

static inline void add_refusal(Sentence *s, Error *err) {
  add_integer(s, err->code);
  add(s, " ");
  add_bytes(s, (const char *)err->message.ptr, err->message.len);
  sqlite_extension_session_sqlite_error_free(err);
}

/* Uses a session: "session: 0 bytes". */
static inline bool try_session(Sentence *s, Error *err) {
  WORLD(string_t) main_ = {(uint8_t *)"main", 4};
  WORLD(list_u8_t) bytes;
  sqlite_extension_session_handle_t h;
  if (!sqlite_extension_session_create(&main_, &h, err)) return false;
  bool done = sqlite_extension_session_attach(h, NULL, err) && sqlite_extension_session_changeset(h, &bytes, err);
  if (done) {
    add_unsigned(s, bytes.len);
    add(s, " bytes");
    WORLD(list_u8_free)(&bytes);
    return sqlite_extension_session_delete(h, err);
  }
  Error ignored;
  if (!sqlite_extension_session_delete(h, &ignored)) sqlite_extension_session_sqlite_error_free(&ignored);
  return false;
}

static inline bool try_spi(Sentence *s, Error *err) {
  WORLD(string_t) sql = {(uint8_t *)"SELECT 6 * 7", 12};
  sqlite_extension_spi_list_sql_value_t none = {NULL, 0};
  sqlite_extension_spi_query_result_t result;
  if (!sqlite_extension_spi_execute(&sql, &none, &result, err)) return false;
  add_value(s, &result.rows.ptr[0].ptr[0]);
  sqlite_extension_spi_query_result_free(&result);
  return true;
}

static inline bool try_changeset(Sentence *s, Error *err) {
  sqlite_extension_changeset_held_t held;
  if (!sqlite_extension_changeset_create(&held, err)) return false;
  add(s, "held");
  return sqlite_extension_changeset_drop(held, err);
}

static inline Sentence try_call(int which) {
  static const char *const names[] = {"session: ", "spi: ", "changeset: "};
  static bool (*const calls[])(Sentence *, Error *) = {try_session, try_spi, try_changeset};
  Sentence s = {0};
  Error err;
  add(&s, names[which]);
  if (!calls[which](&s, &err)) add_refusal(&s, &err);
  return s;
}

/* Logs all results. */
static inline void log_calls(const char *where) {
  for (int i = 0; i < TRIES; i++) {
    Sentence s = {0}, came = try_call(i);
    add(&s, where);
    add(&s, ": ");
    add_bytes(&s, came.text, came.len);
    WORLD(string_t) message = {(uint8_t *)s.text, s.len};
    sqlite_extension_logging_log(SQLITE_EXTENSION_LOGGING_LEVEL_INFO, &message);
  }
}
