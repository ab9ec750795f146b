# tclsh shim.tcl SOURCE TESTFILE MODE BRIDGE...
#
# Runs a test file of SQLite, as it is, in a plain tclsh: the commands that testfixture has in C are procs here, which ask
# the bridge, the command BRIDGE, over a pipe (wire.ts). The forms of results and errors are those of SQLite's
# tclsqlite.c and test_session.c.

set ::SOURCE [lindex $argv 0]
set ::TESTFILE [lindex $argv 1]
set ::MODE [lindex $argv 2]
set ::BRIDGE [lrange $argv 3 end]
set argv {}
set ::WORK [pwd]

# ---- the wire

proc w_text {s} { return t[binary encode base64 [encoding convertto utf-8 $s]] }
proc w_int {n} { return i[expr {wide($n)}] }
proc w_real {x} { return d[binary encode base64 [binary format q $x]] }
proc w_blob {b} { return b[binary encode base64 $b] }
proc w_list {tokens} { return l[binary encode base64 [join $tokens " "]] }

# A value as tclsqlite.c binds it: by its type in Tcl. A name with "@" is always a blob.
proc w_value {v {blob 0}} {
  regexp {^value is an? (.*?) with a refcount} [::tcl::unsupported::representation $v] all type
  set pure [string match "*no string representation*" [::tcl::unsupported::representation $v]]
  if {$blob || ($pure && $type eq "bytearray")} { return [w_blob $v] }
  if {$pure && $type in {boolean booleanString}} { return [w_int [expr {$v ? 1 : 0}]] }
  if {$type eq "double"} { return [w_real $v] }
  if {$type in {int wideInt}} { return [w_int $v] }
  return [w_text $v]
}

set ::NULL ""
proc unwire {token} {
  set rest [string range $token 1 end]
  switch -exact -- [string index $token 0] {
    n { return $::NULL }
    i { return [expr {wide($rest)}] }
    d { binary scan [binary decode base64 $rest] q x; return $x }
    t { return [encoding convertfrom utf-8 [binary decode base64 $rest]] }
    b { return [binary decode base64 $rest] }
    l {
      set out {}
      foreach t [split [binary decode base64 $rest] " "] { lappend out [unwire $t] }
      return $out
    }
  }
  error "invalid token: $token"
}

# Asks the bridge. While it waits, the bridge may ask for scripts to be run.
proc ask {op args} {
  if {![info exists ::PIPE]} {
    set ::PIPE [open "|[list {*}$::BRIDGE 2>@stderr]" r+b]
    fconfigure $::PIPE -translation binary -buffering full -buffersize 1000000
  }
  puts $::PIPE "q [w_text $op] [join $args " "]"
  flush $::PIPE
  while 1 {
    if {[gets $::PIPE line]<0} { puts "the bridge ended in $op"; exit 99 }
    set tokens [split [string range $line 2 end] " "]
    switch -exact -- [string index $line 0] {
      r { return [unwire [lindex $tokens 0]] }
      e {
        lassign $tokens text code message
        set ::FAILED [list [unwire $code] [unwire $message]]
        return -code error [unwire $text]
      }
      c { puts $::PIPE [asked {*}$tokens]; flush $::PIPE }
    }
  }
}

proc background {message} { after 0 [list catch [list ::bgerror $message]] }
proc ::bgerror {message} { puts "bgerror: $message" }

# Scripts that the bridge may have run, by number.
set ::SCRIPTS 0
proc keep {script} { set ::SCRIPT([incr ::SCRIPTS]) $script; return [w_int $::SCRIPTS] }

proc asked {what id args} {
  set command $::SCRIPT([unwire $id])
  foreach token $args { lappend command [unwire $token] }
  set failed [catch {uplevel #0 $command} result]
  switch -exact -- [unwire $what] {
    function {
      if {$failed} { return "x [w_text $result]" }
      return "r [w_value $result]"
    }
    session-filter {
      if {$failed || ![string is boolean -strict $result]} { background $result; set result 0 }
      return "r [w_int [expr {$result ? 1 : 0}]]"
    }
    apply-filter {
      if {$failed || ![string is integer -strict $result]} { background $result; set result 1 }
      return "r [w_int [expr {$result ? 1 : 0}]]"
    }
    conflict {
      if {$failed} { background $result; set result OMIT }
      switch -exact -- $result {
        REPLACE { set result 1 }
        ABORT { set result 2 }
        default { if {![string is integer -strict $result]} { set result 0 } }
      }
      return "r [w_int $result]"
    }
    log { return "r i0" }
  }
}

# Makes a command of a handle: as those of C it takes the place of one of its name, can be renamed, and runs `end` when it
# is deleted.
proc command {name target end} {
  if {[info commands ::$name] ne ""} { rename ::$name "" }
  proc ::$name args "tailcall $target \[lindex \[info level 0\] 0\] {*}\$args"
  trace add command ::$name delete [list ended $end]
}
proc ended {end args} { catch $end }

# The one of `names` that begins so.
proc whole {name names} {
  if {$name in $names} { return $name }
  set found [lsearch -all -inline -glob $names $name*]
  if {[llength $found]!=1} { return -code error "bad sub-command \"$name\"" }
  return [lindex $found 0]
}

# ---- sqlite3 NAME FILE

proc sqlite3 {args} {
  lassign $args name file
  switch -exact -- $name {
    -has-codec { return 0 }
    -sourceid - -version { return "" }
  }
  set readonly 0
  foreach {option value} [lrange $args 2 end] { if {$option eq "-readonly"} { set readonly $value } }
  set id [ask open [w_text $file] [w_int $readonly]]
  command $name [list database $id] [list ask close [w_int $id]]
  set ::DATABASE($name) $id
  set ::LAST($name) {SQLITE_OK {not an error}}
  return ""
}

proc database_id {name} {
  if {[info commands ::$name] eq "" || ![info exists ::DATABASE($name)]} { error "no such handle: $name" }
  return [w_int $::DATABASE($name)]
}

# The variables that SQL names, of the one who called the database's command.
proc parameters {sql} {
  set out {}
  foreach name [lsort -unique [regexp -all -inline {[$:@](?:[A-Za-z_0-9]|::)+(?:\([^)]*\))?} $sql]] {
    set variable [string range $name 1 end]
    if {[uplevel 2 [list info exists $variable]] && ![uplevel 2 [list array exists $variable]]} {
      lappend out [w_text $name] [w_value [uplevel 2 [list set $variable]] [string match @* $name]]
    }
  }
  return [w_list $out]
}

proc sql_ask {name args} {
  if {[catch {ask {*}$args} result]} { set ::LAST($name) $::FAILED; return -code error $result }
  set ::LAST($name) {SQLITE_OK {not an error}}
  return $result
}

proc database {id name sub args} {
  set ::NULL [expr {[info exists ::NULLS($id)] ? $::NULLS($id) : ""}]
  set db [w_int $id]
  set sql [lindex $args 0]
  switch -exact -- $sub {
    close { rename ::$name ""; return "" }
    null - nullvalue {
      if {[llength $args]} { set ::NULLS($id) [lindex $args 0] }
      return $::NULL
    }
    eval {
      set given [parameters $sql]
      if {[llength $args]==1} { return [sql_ask $name rows $db [w_text $sql] $given] }
      set array [expr {[llength $args]==3 ? [lindex $args 1] : ""}]
      set rows [ask query $db [w_text $sql] $given]
      while {[llength [set row [sql_ask $name next [w_int $rows]]]]} {
        lassign $row columns values
        if {$array ne ""} { uplevel 1 [list set ${array}(*) $columns] }
        if {[llength $row]==1} continue
        foreach c $columns v $values { uplevel 1 [list set [expr {$array eq "" ? $c : "${array}($c)"}] $v] }
        set code [catch {uplevel 1 [lindex $args end]} result options]
        if {$code==0 || $code==4} continue
        ask end [w_int $rows]
        if {$code==3} break
        if {$code==2} { return -code return $result }
        dict incr options -level
        return -options $options $result
      }
      return ""
    }
    one - onecolumn - exists {
      set rows [ask query $db [w_text $sql] [parameters $sql]]
      set row [sql_ask $name next [w_int $rows]]
      ask end [w_int $rows]
      if {$sub eq "exists"} { return [expr {[llength $row]==2}] }
      return [lindex $row 1 0]
    }
    func - function {
      set deterministic [expr {"-deterministic" in $args}]
      ask function $db [w_text $sql] [keep [lindex $args end]] [w_int $deterministic]
      return ""
    }
    incrblob {
      set readonly [expr {[lindex $args 0] eq "-readonly"}]
      set place [lrange $args $readonly end]
      if {[llength $place]==3} { set place [linsert $place 0 main] }
      lassign $place schema table column rowid
      set blob [sql_ask $name blob $db [w_text $schema] [w_text $table] [w_text $column] [w_int $rowid] [w_int $readonly]]
      set ::BLOBAT($blob) 0
      set channel [chan create [expr {$readonly ? "read" : "read write"}] [list blob_channel $blob]]
      fconfigure $channel -translation binary
      return $channel
    }
    changes - total_changes - last_insert_rowid { return [ask number $db [w_text $sub]] }
    transaction {
      set inner [expr {![ask autocommit $db]}]
      lassign [expr {$inner ? {{SAVEPOINT _tcl_transaction} {RELEASE _tcl_transaction}
        {ROLLBACK TO _tcl_transaction; RELEASE _tcl_transaction}} : {BEGIN COMMIT ROLLBACK}}] begin commit rollback
      ask rows $db [w_text $begin] l
      if {[catch {uplevel 1 [lindex $args end]} result]} {
        catch { ask rows $db [w_text $rollback] l }
        return -code error $result
      }
      ask rows $db [w_text $commit] l
      return $result
    }
    errorcode { return [lindex $::LAST($name) 0] }
    cache - status - timeout - busy - trace - profile - config - enable_load_extension { return "" }
  }
  error "the API has no \"db $sub\""
}

proc sqlite3_get_autocommit {name} { return [ask autocommit [database_id $name]] }
proc sqlite3_errmsg {name} { return [lindex $::LAST($name) 1] }
proc sqlite3_errcode {name} { return [lindex $::LAST($name) 0] }
proc sqlite3_extended_errcode {name} { return [lindex $::LAST($name) 0] }
proc sqlite3_connection_pointer {name} { return $name }
proc md5 {text} { return [ask md5 [w_text $text]] }

# ---- sessions

# How many bytes the pieces of streams have; 0: no streams.
proc streams {} { return [w_int [expr {[info exists ::sqlite3session_streams] ? $::sqlite3session_streams : 0}]] }

proc sqlite3session {name db dbname} {
  set id [ask session [database_id $db] [w_text $dbname]]
  command $name [list session [w_int $id]] [list ask session-delete [w_int $id]]
  return $name
}
proc session {id name sub args} {
  set counts {attach 1 changeset 0 delete 0 enable 1 indirect 1 isempty 0 table_filter 1 patchset 0 diff 2
    memory_used 0 changeset_size 0 object_config 2}
  set sub [whole $sub [dict keys $counts]]
  if {[llength $args]!=[dict get $counts $sub]} { error "wrong # args: should be \"$name $sub ...\"" }
  lassign $args a b
  switch -exact -- $sub {
    attach { ask session-attach $id [w_text $a]; return "" }
    changeset { return [ask session-changeset $id i0 [streams]] }
    patchset { return [ask session-changeset $id i1 [streams]] }
    delete { rename ::$name ""; return "" }
    enable - indirect { return [ask session-$sub $id [w_int $a]] }
    isempty - memory_used - changeset_size { return [ask session-$sub $id] }
    table_filter { ask session-filter $id [keep $a]; return "" }
    diff { ask session-diff $id [w_text $a] [w_text $b]; return "" }
    object_config { return [ask session-config $id [w_text $a] [w_int $b]] }
  }
}
proc sql_exec_changeset {db sql} {
  if {[catch {ask exec-changeset [database_id $db] [w_text $sql]} result]} { error "error in sql_exec_changeset()" }
  return $result
}
proc sqlite3session_config {option value} {
  return [ask config [w_text $option] [w_int $value]]
}

# ---- changesets

# The switches that begin `name`'s list, abbreviated as Tcl's may be, and takes them from it.
proc switches {name known} {
  upvar 1 $name list
  set out {}
  while {[llength $list]>1 && [string match -* [lindex $list 0]]} {
    set found [lsearch -all -inline -glob $known [string tolower [lindex $list 0]]*]
    if {[llength $found]!=1} break
    lappend out [lindex $found 0]
    set list [lrange $list 1 end]
  }
  return $out
}

proc sqlite3session_foreach {args} {
  set inverted [expr {"-invert" in [switches args {-invert -next}]}]
  lassign $args variable changeset script
  set id [w_int [ask iterate [w_blob $changeset] [streams] [w_int $inverted]]]
  while {[llength [set change [ask iterator-change $id]]]} {
    uplevel 1 [list set $variable $change]
    set code [catch {uplevel 1 $script} result options]
    if {$code==0 || $code==4} continue
    ask iterator-finalize $id
    if {$code==3} break
    dict incr options -level
    return -options $options $result
  }
  return ""
}
proc sqlite3changeset_start {args} {
  set inverted [llength [switches args -invert]]
  set id [ask iterate [w_blob [lindex $args end]] [streams] [w_int $inverted]]
  command csiter$id [list iterator [w_int $id]] {}
  set ::ITERATOR(csiter$id) $id
  return csiter$id
}
proc iterator {id name sub} {
  switch -exact -- [whole $sub {next data finalize}] {
    next { return [ask iterator-next $id] }
    data { return [ask iterator-data $id] }
    finalize { rename ::$name ""; return [ask iterator-finalize $id] }
  }
}
proc sqlite3changeset_invert {changeset} { return [ask invert [w_blob $changeset] [streams]] }
proc sqlite3changeset_concat {a b} { return [ask concat [w_blob $a] [w_blob $b] [streams]] }

proc sqlite3changeset_apply {args} { apply_changeset 1 {*}$args; return "" }
proc sqlite3changeset_apply_v2 {args} { return [apply_changeset 2 {*}$args] }
proc sqlite3changeset_apply_v3 {args} { return [apply_changeset 3 {*}$args] }
proc apply_changeset {version args} {
  set flags {}
  if {$version>1} {
    foreach flag [switches args {-nosavepoint -noaction -invert -ignorenoop -noupdateloop}] { lappend flags [w_text $flag] }
  }
  if {[llength $args]!=3 && [llength $args]!=4} { error "wrong # args" }
  lassign $args db changeset conflict filter
  set id [database_id $db]
  set filtered [w_int [llength [lrange $args 3 3]]]
  return [sql_ask $db apply $id [w_blob $changeset] [streams] [w_int $version] [w_list $flags] [keep $conflict] \
    [keep $filter] $filtered]
}
proc sqlite3changeset_apply_replace_all {db changeset} {
  return [ask apply-replace-all [database_id $db] [w_blob $changeset]]
}

# What test_session.c checks of each UPDATE of a changeset.
proc test_changeset {changeset} {
  set patchset [string match P* $changeset]
  sqlite3session_foreach change $changeset {
    lassign $change op table indirect key old new
    if {$op ne "UPDATE"} continue
    set column 0
    foreach {had before} $old {has after} $new {
      set had [expr {$had ne ""}]
      set has [expr {$has ne ""}]
      if {[string index $key $column] eq "X"} { set ok $had } elseif {$patchset} { set ok [expr {!$had}] } else {
        set ok [expr {$had==$has}]
      }
      if {!$ok} { error "unexpected UPDATE of column $column of $table: [list $old $new]" }
      incr column
    }
  }
  return ""
}

# ---- groups and rebasers

proc sqlite3changegroup {name} {
  set id [w_int [ask group]]
  command $name [list group $id] [list ask group-delete $id]
  return $name
}
proc group {id name sub args} {
  set counts {schema 2 add 1 output 0 delete 0 add_change 1 change_begin 3 change_int64 3 change_null 2 change_double 3
    change_text 3 change_blob 3 change_finish 1 config 2 change_text-1 3 change_begin_ne 3}
  if {[llength $args]!=[dict get $counts $sub]} { error "wrong # args: should be \"$name $sub ...\"" }
  lassign $args a b c
  switch -glob -- $sub {
    schema { ask group-schema $id [database_id $a] [w_text $b]; return "" }
    add { ask group-add $id [w_blob $a]; return "" }
    output { return [ask group-output $id] }
    delete { rename ::$name ""; return "" }
    add_change {
      if {![info exists ::ITERATOR($a)]} { error "no such iter: $a" }
      ask group-add-change $id [w_int $::ITERATOR($a)]
      return ""
    }
    change_begin* {
      if {![string is integer -strict $a]} {
        if {[catch {whole $a {INSERT UPDATE DELETE}} op]} { error "bad TYPE \"$a\": must be INSERT, UPDATE, or DELETE" }
        set a [dict get {INSERT 18 UPDATE 23 DELETE 9} $op]
      }
      if {![string is boolean -strict $c]} { error "expected boolean value but got \"$c\"" }
      if {[catch {ask group-begin $id [w_int $a] [w_text $b] [w_int [expr {bool($c)}]]} result]} {
        # "_ne": without a place for the message
        return -code error [expr {$sub eq "change_begin_ne" ? [lindex [split $result] 0] : $result}]
      }
      return ""
    }
    change_finish { ask group-finish $id [w_int [expr {bool($a)}]]; return "" }
    change_* {
      if {$a ni {old new}} { error "bad record \"$a\": must be old or new" }
      switch -exact -- $sub {
        change_int64 { set value [w_int $c] }
        change_null { set value n }
        change_double { set value [w_real $c] }
        change_blob { set value [w_blob $c] }
        default { set value [w_text $c] }
      }
      ask group-value $id [w_text $a] [w_int $b] $value
      return ""
    }
    config { return [ask group-config $id [w_text $a] [w_int $b]] }
  }
}

proc sqlite3rebaser_create {name} {
  set id [w_int [ask rebaser]]
  command $name [list rebaser $id] [list ask rebaser-delete $id]
  return $name
}
proc rebaser {id name sub args} {
  switch -exact -- [whole $sub {configure delete rebase}] {
    configure { ask rebaser-configure $id [w_blob [lindex $args 0]]; return "" }
    rebase { return [ask rebaser-rebase $id [w_blob [lindex $args 0]] [streams]] }
    delete { rename ::$name ""; return "" }
  }
}

# The channel of an open blob.
proc blob_channel {id sub channel args} {
  upvar #0 ::BLOBAT($id) at
  lassign $args a b
  switch -exact -- $sub {
    initialize { return {initialize finalize watch read write seek} }
    finalize { unset at; ask blob-close [w_int $id]; return "" }
    read {
      set bytes [ask blob-read [w_int $id] [w_int $at] [w_int $a]]
      incr at [string length $bytes]
      return $bytes
    }
    write {
      ask blob-write [w_int $id] [w_int $at] [w_blob $a]
      incr at [string length $a]
      return [string length $a]
    }
    seek {
      set from [dict get [list start 0 current $at end [ask blob-length [w_int $id]]] $b]
      return [set at [expr {$from+$a}]]
    }
  }
}

# ---- what else tester.tcl and the files call

foreach name {
  autoinstall_test_functions breakpoint database_may_be_corrupt database_never_corrupt db_use_legacy_prepare
  extra_schema_checks install_malloc_faultsim sqlite3_config sqlite3_config_lookaside sqlite3_config_memstatus
  sqlite3_config_pagecache sqlite3_config_uri sqlite3_db_config sqlite3_db_config_lookaside sqlite3_enable_shared_cache
  sqlite3_extended_result_codes sqlite3_hard_heap_limit64 sqlite3_memdebug_dump sqlite3_memdebug_fail
  sqlite3_memdebug_malloc_count sqlite3_memdebug_settitle sqlite3_memory_highwater sqlite3_memory_used
  sqlite3_release_memory sqlite3_reset_auto_extension sqlite3_soft_heap_limit64 sqlite3_test_control_pending_byte
  unregister_demovfs unregister_devsim unregister_jt_vfs vfs_unlink_test
} { proc $name args { return 0 } }
proc sqlite3_shutdown {} { return SQLITE_OK }
proc sqlite3_initialize {} { return SQLITE_OK }
proc sqlite3_status args { return {0 0 0} }
proc working_64bit_int {} { return 1 }
proc test_sqlite3_log {{script ""}} { ask log [expr {$script eq "" ? "i0" : [keep $script]}]; return "" }
# Equal to 15 digits.
proc fpnum_compare {a b} {
  foreach x $a y $b {
    if {$x eq $y} continue
    if {![string is double -strict $x] || ![string is double -strict $y]} { return 0 }
    if {[format %.14e $x] ne [format %.14e $y]} { return 0 }
  }
  return 1
}
# Every option that there is, but for those that are about the test program.
set config [open $::SOURCE/src/test_config.c]
foreach {all option} [regexp -all -inline {"sqlite_options", *"(\w+)"} [read $config]] { set ::sqlite_options($option) 1 }
close $config
foreach option {debug default_autovacuum lookaside mem3 mem5 memdebug mutex shared_cache threadsafe
  yytrackmaxstackdepth} { set ::sqlite_options($option) 0 }
set ::sqlite_open_file_count 0
set ::sqlite_pending_byte 0x40000000

# ---- the run

set argv0 $::TESTFILE
set testdir $::SOURCE/test
if {$::MODE eq "strm"} { set ::sqlite3session_streams 1; set ::G(perm:name) session_strm }
source $testdir/tester.tcl
set ::cmdlinearg(TESTFIXTURE_HOME) $::WORK; # where sqldiff is

# In the place of simulated faults: each body once, without one.
proc do_faultsim_test {name args} {
  array set O {-prep {} -body {} -test {} -install {} -uninstall {} -faults {} -start 0 -end 0}
  array set O $args
  proc prepare {} $O(-prep)
  proc body {} $O(-body)
  proc judge {testrc testresult testnfail} $O(-test)
  uplevel #0 $O(-install)
  uplevel #0 prepare
  do_test $name-nofault { set ::testrc [catch body ::testresult]; judge $::testrc $::testresult 0; list } {}
  uplevel #0 $O(-uninstall)
}
proc faultsim_test_result {args} {
  set outcome [list $::testrc $::testresult]
  if {$outcome ni $args} { error "[list $outcome] is none of $args" }
  return ""
}
# These are there already.
rename source source_file
proc source {file args} {
  if {[file tail $file] in {malloc_common.tcl tester.tcl}} return
  uplevel 1 [list source_file $file]
}
source_file $::TESTFILE
puts "the file ended without finish_test"
finish_test
