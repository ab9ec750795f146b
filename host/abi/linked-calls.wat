;; Calls the functions and aggregates of a component: copies the arguments from the core's memory to the component's,
;; calls it, and sets the result. WebAssembly calls the two modules faster than JavaScript does, and copies without
;; views. scripts/wat.ts replaces the names that begin with @ by numbers of layout.ts, values.ts, constants.ts, cells.ts
;; and engine.ts.
;;
;; It does the same as the direct calls of loader/call.ts and loader/aggregates.ts, and leaves rare cases to them. The
;; exported functions return
;;   0  if everything is done,
;;   1  if nothing was called: an argument is large, or the component cannot allocate memory,
;;   2  if the component returned, and its result is at the address `result`: an error, a fault, or text that is not
;;      ASCII. The caller must call the `post` function.
(module
  (import "core" "memory" (memory $core 0))
  (import "guest" "memory" (memory $guest 0))
  (import "guest" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  (import "guest" "call" (func $call (param i64 i32 i32) (result i32)))
  (import "guest" "step" (func $step (param i64 i32 i32 i32) (result i32)))
  (import "guest" "inverse" (func $inverse (param i64 i32 i32 i32) (result i32)))
  (import "guest" "value" (func $value (param i64 i32) (result i32)))
  (import "guest" "finalize" (func $finalize (param i64 i32) (result i32)))
  (import "post" "call" (func $post_call (param i32)))
  (import "post" "step" (func $post_step (param i32)))
  (import "post" "inverse" (func $post_inverse (param i32)))
  (import "post" "value" (func $post_value (param i32)))
  (import "post" "finalize" (func $post_finalize (param i32)))
  (import "core" "scratch" (global $scratch i32))
  (import "core" "bridge_result_copy" (func $result_bytes (param i32 i32 i32 i32)))
  (import "core" "bridge_result_int64" (func $result_integer (param i32 i32 i32)))
  (import "core" "sqlite3_result_double" (func $result_real (param i32 f64)))
  (import "core" "sqlite3_result_null" (func $result_null (param i32)))
  (global $result (export "result") (mut i32) (i32.const 0))

  ;; Whether $size bytes at $at are in the component's memory.
  (func $is_inside (param $at i32) (param $size i32) (result i32)
    (i64.le_u
      (i64.add (i64.extend_i32_u (local.get $at)) (i64.extend_i32_u (local.get $size)))
      (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16))))

  ;; Allocates memory of the component. Returns -1 if the component returns an invalid address.
  (func $allocate (param $size i32) (param $align i32) (result i32)
    (local $at i32)
    (local.set $at
      (call $realloc (i32.const 0) (i32.const 0) (local.get $align) (local.get $size)))
    (if (i32.and (i32.eqz (local.get $at)) (i32.ne (local.get $size) (i32.const 0)))
      (then (return (i32.const -1))))
    (if (i32.and (local.get $at) (i32.sub (local.get $align) (i32.const 1)))
      (then (return (i32.const -1))))
    (if (i32.eqz (call $is_inside (local.get $at) (local.get $size)))
      (then (return (i32.const -1))))
    (local.get $at))

  ;; Whether one of the Cells from $cell to $end is a large text or blob.
  (func $has_large (param $cell i32) (param $end i32) (result i32)
    (loop $next
      (if (i32.gt_u (i32.load $core offset=@cellLength (local.get $cell)) (i32.const @large))
        (then
          ;; The length of other values is undefined.
          (if (i32.or
                (i32.eq (i32.load $core (local.get $cell)) (i32.const @SQLITE_TEXT))
                (i32.eq (i32.load $core (local.get $cell)) (i32.const @SQLITE_BLOB)))
            (then (return (i32.const 1))))))
      (local.set $cell (i32.add (local.get $cell) (i32.const @cellSize)))
      (br_if $next (i32.lt_u (local.get $cell) (local.get $end))))
    (i32.const 0))

  ;; Copies Cells to the component. Returns the address of the values, or -1 if one is large or cannot be copied.
  (func $lower (param $count i32) (param $cell i32) (result i32)
    (local $values i32) (local $value i32) (local $end i32) (local $type i32) (local $length i32) (local $copy i32)
    (if (i32.eqz (local.get $count)) (then (return (i32.const 0))))
    (local.set $end
      (i32.add (local.get $cell) (i32.mul (local.get $count) (i32.const @cellSize))))
    ;; Before anything is allocated, because values that were copied cannot be freed.
    (if (call $has_large (local.get $cell) (local.get $end)) (then (return (i32.const -1))))
    (local.set $values
      (call $allocate (i32.mul (local.get $count) (i32.const @valueSize)) (i32.const @valueAlign)))
    (if (i32.eq (local.get $values) (i32.const -1)) (then (return (i32.const -1))))
    (local.set $value (local.get $values))
    (loop $next
      (local.set $type (i32.load $core (local.get $cell)))
      (if (i32.le_u (local.get $type) (i32.const @SQLITE_FLOAT)) ;; SQLITE_INTEGER or SQLITE_FLOAT
        (then
          (i32.store8 $guest (local.get $value)
            (select (i32.const @caseInteger) (i32.const @caseReal)
              (i32.eq (local.get $type) (i32.const @SQLITE_INTEGER))))
          (i64.store $guest offset=@valuePayload (local.get $value)
            (i64.load $core offset=@cellContent (local.get $cell))))
        (else
          (if (i32.eq (local.get $type) (i32.const @SQLITE_NULL))
            (then (i32.store8 $guest (local.get $value) (i32.const @caseNull)))
            (else
              (local.set $length (i32.load $core offset=@cellLength (local.get $cell)))
              (local.set $copy (call $allocate (local.get $length) (i32.const 1)))
              (if (i32.eq (local.get $copy) (i32.const -1)) (then (return (i32.const -1))))
              (memory.copy $guest $core
                (local.get $copy) (i32.load $core offset=@cellContent (local.get $cell)) (local.get $length))
              (i32.store8 $guest (local.get $value)
                (select (i32.const @caseText) (i32.const @caseBlob)
                  (i32.eq (local.get $type) (i32.const @SQLITE_TEXT))))
              (i32.store $guest offset=@valueStart (local.get $value) (local.get $copy))
              (i32.store $guest offset=@valueLength (local.get $value) (local.get $length))))))
      (local.set $value (i32.add (local.get $value) (i32.const @valueSize)))
      (local.set $cell (i32.add (local.get $cell) (i32.const @cellSize)))
      (br_if $next (i32.lt_u (local.get $cell) (local.get $end))))
    (local.get $values))

  ;; Whether $length bytes of the component at $at are ASCII.
  (func $is_ascii (param $at i32) (param $length i32) (result i32)
    (local $end i32) (local $bits v128) (local $byte i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $short
      (loop $next
        (br_if $short (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 16)))
        (local.set $bits (v128.or (local.get $bits) (v128.load $guest align=1 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $end)))
        (local.set $byte (i32.or (local.get $byte) (i32.load8_u $guest (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.and
      (i32.eqz (i8x16.bitmask (local.get $bits)))
      (i32.lt_u (local.get $byte) (i32.const 0x80))))

  ;; Sets the result of an SQL function to the value at $value. Returns 0 if the caller must do it.
  (func $set_result (param $context i32) (param $value i32) (result i32)
    (local $kind i32) (local $from i32) (local $length i32)
    (local.set $kind (i32.load8_u $guest (local.get $value)))
    (if (i32.eq (local.get $kind) (i32.const @caseInteger))
      (then
        (call $result_integer (local.get $context)
          (i32.load $guest offset=@valuePayload (local.get $value))
          (i32.load $guest offset=@valuePayloadHigh (local.get $value)))
        (return (i32.const 1))))
    (if (i32.eq (local.get $kind) (i32.const @caseReal))
      (then
        (call $result_real (local.get $context) (f64.load $guest offset=@valuePayload (local.get $value)))
        (return (i32.const 1))))
    (if (i32.eq (local.get $kind) (i32.const @caseNull))
      (then
        (call $result_null (local.get $context))
        (return (i32.const 1))))
    (if (i32.gt_u (local.get $kind) (i32.const @caseBlob)) (then (return (i32.const 0))))
    (local.set $from (i32.load $guest offset=@valueStart (local.get $value)))
    (local.set $length (i32.load $guest offset=@valueLength (local.get $value)))
    (if (i32.gt_u (local.get $length) (i32.const @scratchSize)) (then (return (i32.const 0))))
    (if (i32.eqz (call $is_inside (local.get $from) (local.get $length))) (then (return (i32.const 0))))
    (if (i32.eq (local.get $kind) (i32.const @caseText))
      (then
        (if (i32.eqz (call $is_ascii (local.get $from) (local.get $length)))
          (then (return (i32.const 0))))))
    (memory.copy $core $guest (global.get $scratch) (local.get $from) (local.get $length))
    (call $result_bytes (local.get $context) (global.get $scratch) (local.get $length)
      (i32.eq (local.get $kind) (i32.const @caseText)))
    (i32.const 1))

  ;; Whether the `result` of $size bytes at $at is its ok case. Sets the global $result to $at.
  (func $is_ok (param $at i32) (param $size i32) (param $align_mask i32) (result i32)
    (global.set $result (local.get $at))
    (if (i32.eqz (call $is_inside (local.get $at) (local.get $size))) (then (return (i32.const 0))))
    (if (i32.and (local.get $at) (local.get $align_mask)) (then (return (i32.const 0))))
    (i32.eqz (i32.load8_u $guest (local.get $at))))

  ;; Sets the result of an SQL function to that of a call. Returns 0 if the caller must do it.
  (func $give (param $context i32) (param $at i32) (result i32)
    (if (result i32)
      (call $is_ok
        (local.get $at) (i32.const @valueResultSize) (i32.const @valueResultAlignMask))
      (then
        (call $set_result
          (local.get $context) (i32.add (local.get $at) (i32.const @valueResultPayload))))
      (else (i32.const 0))))

  ;; Calls function $id with the $count Cells at $cells.
  (func (export "call")
    (param $id i64) (param $context i32) (param $count i32) (param $cells i32) (result i32)
    (local $values i32) (local $at i32)
    (local.set $values (call $lower (local.get $count) (local.get $cells)))
    (if (i32.eq (local.get $values) (i32.const -1)) (then (return (i32.const 1))))
    (local.set $at (call $call (local.get $id) (local.get $values) (local.get $count)))
    (if (i32.eqz (call $give (local.get $context) (local.get $at))) (then (return (i32.const 2))))
    (call $post_call (local.get $at))
    (i32.const 0))

  ;; Adds a row to a group of aggregate $id.
  (func (export "step")
    (param $id i64) (param $group i32) (param $count i32) (param $cells i32) (result i32)
    (local $values i32) (local $at i32)
    (local.set $values (call $lower (local.get $count) (local.get $cells)))
    (if (i32.eq (local.get $values) (i32.const -1)) (then (return (i32.const 1))))
    (local.set $at
      (call $step (local.get $id) (local.get $group) (local.get $values) (local.get $count)))
    (if (i32.eqz
          (call $is_ok
            (local.get $at) (i32.const @nothingResultSize) (i32.const @nothingResultAlignMask)))
      (then (return (i32.const 2))))
    (call $post_step (local.get $at))
    (i32.const 0))

  ;; Removes a row from a group of aggregate $id.
  (func (export "inverse")
    (param $id i64) (param $group i32) (param $count i32) (param $cells i32) (result i32)
    (local $values i32) (local $at i32)
    (local.set $values (call $lower (local.get $count) (local.get $cells)))
    (if (i32.eq (local.get $values) (i32.const -1)) (then (return (i32.const 1))))
    (local.set $at
      (call $inverse (local.get $id) (local.get $group) (local.get $values) (local.get $count)))
    (if (i32.eqz
          (call $is_ok
            (local.get $at) (i32.const @nothingResultSize) (i32.const @nothingResultAlignMask)))
      (then (return (i32.const 2))))
    (call $post_inverse (local.get $at))
    (i32.const 0))

  ;; Sets the result to the value of a group.
  (func (export "value") (param $id i64) (param $group i32) (param $context i32) (result i32)
    (local $at i32)
    (local.set $at (call $value (local.get $id) (local.get $group)))
    (if (i32.eqz (call $give (local.get $context) (local.get $at))) (then (return (i32.const 2))))
    (call $post_value (local.get $at))
    (i32.const 0))

  ;; Sets the result to the final value of a group.
  (func (export "finalize") (param $id i64) (param $group i32) (param $context i32) (result i32)
    (local $at i32)
    (local.set $at (call $finalize (local.get $id) (local.get $group)))
    (if (i32.eqz (call $give (local.get $context) (local.get $at))) (then (return (i32.const 2))))
    (call $post_finalize (local.get $at))
    (i32.const 0)))
