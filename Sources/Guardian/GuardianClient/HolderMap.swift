import CLinux
import Glibc
import Guardian
import Linux

/// The owner of the shared memory with the leases: written here, read by the guardian.
///
/// SAFETY: the memory is mapped from init to deinit; `page` must not be used after this object's deinit.
@safe final class HolderMap {
  /// The memory file, to be sent to the guardian.
  let file: Descriptor
  let page: HolderPage
  private let base: UnsafeMutableRawPointer
  private let size: Int

  init(slots: Int) throws(SystemError) {
    let number = unsafe "openstarry-holders".withCString { unsafe openstarry_memfd_create($0) }
    let file = try Descriptor(checking: number, "memfd_create")
    let size = HolderPage.size(slots: slots)
    guard ftruncate(file.number, size) == 0, openstarry_seal_size(file.number) == 0 else {
      throw SystemError("seal", "openstarry-holders")
    }
    // Allocate all of the memory now. If there were none left later, a store into the mapping would raise SIGBUS.
    let problem = posix_fallocate(file.number, 0, size)
    guard problem == 0 else { throw SystemError("make room for", "openstarry-holders", errno: problem) }
    // SAFETY: the whole file, whose size is sealed.
    guard let base = unsafe openstarry_map_shared(file.number, size, true) else { throw SystemError("mmap") }
    unsafe self.base = base
    self.size = size
    self.file = file
    page = unsafe HolderPage(new: base, slots: slots)
  }

  deinit { unsafe munmap(base, size) }
}
