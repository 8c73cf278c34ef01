import Glibc
import Linux
import Testing

@testable import GuardianClient

/// The shared memory must not end daemon or guardian, as an access to a missing page would (SIGBUS, mmap(2)).
@Suite struct HolderMapTests {
  @Test func allMemoryIsAllocatedAtTheStart() throws {
    let map = try HolderMap(slots: 64)
    var status = stat()
    // SAFETY: fstat(2) fills in the local structure.
    #expect(unsafe fstat(map.file.number, &status) == 0)
    #expect(status.st_size > 16_384)
    // st_blocks counts 512 bytes each (inode(7)).
    #expect(Int(status.st_blocks) * 512 >= Int(status.st_size))
  }

  @Test func itsSizeIsSealed() throws {
    let map = try HolderMap(slots: 4)
    #expect(ftruncate(map.file.number, 0) == -1 && errno == EPERM)
    #expect(ftruncate(map.file.number, 1 << 20) == -1 && errno == EPERM)
  }
}
