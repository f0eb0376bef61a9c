// The few functions of libarchive that tar_writer.cpp calls, looked up when the first archive is
// written: linked in, it and the fifteen libraries behind it would take a third of every start.
// Called by tar_writer.cpp only.
#pragma once

#include <archive.h>
#include <archive_entry.h>

namespace toehold {

struct ArchiveLibrary {
  decltype(&::archive_entry_free) entry_free;
  decltype(&::archive_entry_new) entry_new;
  decltype(&::archive_entry_set_filetype) entry_set_filetype;
  decltype(&::archive_entry_set_gid) entry_set_gid;
  decltype(&::archive_entry_set_hardlink) entry_set_hardlink;
  decltype(&::archive_entry_set_mode) entry_set_mode;
  decltype(&::archive_entry_set_mtime) entry_set_mtime;
  decltype(&::archive_entry_set_pathname) entry_set_pathname;
  decltype(&::archive_entry_set_rdev) entry_set_rdev;
  decltype(&::archive_entry_set_size) entry_set_size;
  decltype(&::archive_entry_set_symlink) entry_set_symlink;
  decltype(&::archive_entry_set_uid) entry_set_uid;
  decltype(&::archive_entry_sparse_add_entry) entry_sparse_add_entry;
  decltype(&::archive_entry_xattr_add_entry) entry_xattr_add_entry;
  decltype(&::archive_error_string) error_string;
  decltype(&::archive_set_error) set_error;
  decltype(&::archive_write_add_filter_gzip) write_add_filter_gzip;
  decltype(&::archive_write_close) write_close;
  decltype(&::archive_write_data) write_data;
  decltype(&::archive_write_free) write_free;
  decltype(&::archive_write_header) write_header;
  decltype(&::archive_write_new) write_new;
  decltype(&::archive_write_open2) write_open2;
  decltype(&::archive_write_set_bytes_in_last_block) write_set_bytes_in_last_block;
  decltype(&::archive_write_set_bytes_per_block) write_set_bytes_per_block;
  decltype(&::archive_write_set_filter_option) write_set_filter_option;
  decltype(&::archive_write_set_format_iso9660) write_set_format_iso9660;
  decltype(&::archive_write_set_format_option) write_set_format_option;
  decltype(&::archive_write_set_format_pax_restricted) write_set_format_pax_restricted;
  decltype(&::archive_write_set_format_raw) write_set_format_raw;
};

/// Throws Error(unsupported) that names the package when the library is not there.
const ArchiveLibrary& archive_library();

}  // namespace toehold
