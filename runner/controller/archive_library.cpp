#include "runner/controller/archive_library.hpp"

#include <dlfcn.h>

#include "runner/base/error.hpp"

namespace toehold {

namespace {

#ifndef TOEHOLD_STATIC
template <class Function>
void look_up(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (!function) {
    throw Error(Error::Kind::unsupported, std::string("libarchive is too old: it has no ") + name,
                "toehold needs libarchive 3.6 or later");
  }
}
#endif

ArchiveLibrary load() {
  ArchiveLibrary archive{};
#ifdef TOEHOLD_STATIC
  archive = {&::archive_entry_free,
             &::archive_entry_new,
             &::archive_entry_set_filetype,
             &::archive_entry_set_gid,
             &::archive_entry_set_hardlink,
             &::archive_entry_set_mode,
             &::archive_entry_set_mtime,
             &::archive_entry_set_pathname,
             &::archive_entry_set_rdev,
             &::archive_entry_set_size,
             &::archive_entry_set_symlink,
             &::archive_entry_set_uid,
             &::archive_entry_sparse_add_entry,
             &::archive_entry_xattr_add_entry,
             &::archive_error_string,
             &::archive_set_error,
             &::archive_write_add_filter_gzip,
             &::archive_write_close,
             &::archive_write_data,
             &::archive_write_free,
             &::archive_write_header,
             &::archive_write_new,
             &::archive_write_open2,
             &::archive_write_set_bytes_in_last_block,
             &::archive_write_set_bytes_per_block,
             &::archive_write_set_filter_option,
             &::archive_write_set_format_iso9660,
             &::archive_write_set_format_option,
             &::archive_write_set_format_pax_restricted,
             &::archive_write_set_format_raw};
#else
  void* library = ::dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    throw Error(Error::Kind::unsupported,
                std::string("libarchive cannot be loaded: ") + ::dlerror(),
                "install it: apt-get install libarchive13, or dnf install libarchive");
  }
  look_up(library, "archive_entry_free", archive.entry_free);
  look_up(library, "archive_entry_new", archive.entry_new);
  look_up(library, "archive_entry_set_filetype", archive.entry_set_filetype);
  look_up(library, "archive_entry_set_gid", archive.entry_set_gid);
  look_up(library, "archive_entry_set_hardlink", archive.entry_set_hardlink);
  look_up(library, "archive_entry_set_mode", archive.entry_set_mode);
  look_up(library, "archive_entry_set_mtime", archive.entry_set_mtime);
  look_up(library, "archive_entry_set_pathname", archive.entry_set_pathname);
  look_up(library, "archive_entry_set_rdev", archive.entry_set_rdev);
  look_up(library, "archive_entry_set_size", archive.entry_set_size);
  look_up(library, "archive_entry_set_symlink", archive.entry_set_symlink);
  look_up(library, "archive_entry_set_uid", archive.entry_set_uid);
  look_up(library, "archive_entry_sparse_add_entry", archive.entry_sparse_add_entry);
  look_up(library, "archive_entry_xattr_add_entry", archive.entry_xattr_add_entry);
  look_up(library, "archive_error_string", archive.error_string);
  look_up(library, "archive_set_error", archive.set_error);
  look_up(library, "archive_write_add_filter_gzip", archive.write_add_filter_gzip);
  look_up(library, "archive_write_close", archive.write_close);
  look_up(library, "archive_write_data", archive.write_data);
  look_up(library, "archive_write_free", archive.write_free);
  look_up(library, "archive_write_header", archive.write_header);
  look_up(library, "archive_write_new", archive.write_new);
  look_up(library, "archive_write_open2", archive.write_open2);
  look_up(library, "archive_write_set_bytes_in_last_block", archive.write_set_bytes_in_last_block);
  look_up(library, "archive_write_set_bytes_per_block", archive.write_set_bytes_per_block);
  look_up(library, "archive_write_set_filter_option", archive.write_set_filter_option);
  look_up(library, "archive_write_set_format_iso9660", archive.write_set_format_iso9660);
  look_up(library, "archive_write_set_format_option", archive.write_set_format_option);
  look_up(library, "archive_write_set_format_pax_restricted",
          archive.write_set_format_pax_restricted);
  look_up(library, "archive_write_set_format_raw", archive.write_set_format_raw);
#endif
  return archive;
}

}  // namespace

const ArchiveLibrary& archive_library() {
  static const ArchiveLibrary archive = load();
  return archive;
}

}  // namespace toehold
