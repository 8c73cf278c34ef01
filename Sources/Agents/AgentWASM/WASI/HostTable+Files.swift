import Linux

/// The preview-1 functions for files. The plugin folders are read-only.
extension HostTable {
  /// The longest path in bytes.
  private static let longestPath: UInt32 = 4096

  /// The implementation of a function; nil for functions that return ENOSYS.
  static func files(_ name: String) -> ((Guest, CallArguments) throws(GuestFault) -> Void)? {
    switch name {
    case "fd_prestat_get": describe
    case "fd_prestat_dir_name": nameFolder
    case "fd_fdstat_get": descriptorStatus
    case "fd_filestat_get": fileStatus
    case "path_filestat_get": pathStatus
    case "path_open": open
    case "fd_close": close
    case "fd_read": read
    case "fd_pread": readAt
    case "fd_seek": seek
    case "fd_tell": tell
    case "fd_readdir": list
    default: nil
    }
  }

  private static func plugin(_ guest: Guest, _ call: CallArguments) throws(GuestFault) -> PluginFolder {
    guard let plugin = guest.files.plugin(call.pointer(0)) else { throw .refused(.badDescriptor) }
    return plugin
  }

  private static func describe(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let plugin = try plugin(guest, call)
    // Tag 0 is a folder; the length of its name follows.
    try guest.store(UInt32(0), at: call.pointer(1))
    try guest.store(UInt32(plugin.name.utf8.count), at: call.pointer(1) &+ 4)
  }

  private static func nameFolder(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let plugin = try plugin(guest, call)
    guard call.pointer(2) >= plugin.name.utf8.count else { throw .refused(.nameTooLong) }
    try guest.write(Array(plugin.name.utf8), at: call.pointer(1))
  }

  /// Rights (the same document): read 1, seek 2, tell 5, write 6, open 13, list 14, status of a path 18, of a file 21.
  private static func descriptorStatus(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let file: UInt64 = 1 << 1 | 1 << 2 | 1 << 5 | 1 << 21
    let folder: UInt64 = 1 << 13 | 1 << 14 | 1 << 18 | 1 << 21
    var (type, rights, inherited): (UInt64, UInt64, UInt64) = (3, folder, folder | file)
    switch call.pointer(0) {
    case 0: (type, rights, inherited) = (0, 0, 0)
    // A terminal, so that C libraries flush after each line.
    case 1, 2: (type, rights, inherited) = (2, 1 << 6, 0)
    case let number where guest.files.plugin(number) != nil: break
    case let number: if try guest.files.open(number).kind != .folder { (type, rights, inherited) = (4, file, 0) }
    }
    let place = call.pointer(1)
    try guest.store(type, at: place)
    try guest.store(rights, at: place &+ 8)
    try guest.store(inherited, at: place &+ 16)
  }

  private static func fileStatus(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    try guest.store(try guest.files.status(call.pointer(0)), at: call.pointer(1))
  }

  private static func pathStatus(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let path = try path(guest, call, 2)
    try guest.store(try guest.files.status(path, in: call.pointer(0)), at: call.pointer(4))
  }

  private static func open(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let path = try path(guest, call, 2)
    // Create 1, folder 2, exclusive 4, truncate 8; the right to write is 1 << 6; append is flag 1.
    let isWritten = call.pointer(4) & 0b1101 != 0 || call.wide(5) & 1 << 6 != 0 || call.pointer(7) & 1 != 0
    if isWritten { throw .refused(.notCapable) }
    try guest.store(
      try guest.files.open(path, in: call.pointer(0), mustBeFolder: call.pointer(4) & 2 != 0), at: call.pointer(8))
  }

  private static func close(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    if guest.files.plugin(call.pointer(0)) != nil { throw .refused(.notSupported) }
    try guest.files.close(call.pointer(0))
  }

  private static func read(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    try scatter(guest, call, at: nil, count: call.pointer(3))
  }

  private static func readAt(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    try scatter(guest, call, at: UInt64(bitPattern: call.wide(3)), count: call.pointer(4))
  }

  /// Reads into a list of buffers.
  private static func scatter(
    _ guest: Guest, _ call: CallArguments, at place: UInt64?, count: UInt32
  ) throws(GuestFault) {
    guard call.pointer(2) <= 64 else { throw .refused(.invalid) }
    var room: [(place: UInt32, length: UInt32)] = []
    var total = 0
    for index in 0..<call.pointer(2) {
      let vector = call.pointer(1) &+ index &* 8
      let piece = (try guest.word(at: vector), try guest.word(at: vector &+ 4))
      room.append(piece)
      total += Int(piece.1)
    }
    var bytes = try guest.files.read(call.pointer(0), at: place, min(total, GuestFiles.longestRead))[...]
    try guest.store(UInt32(bytes.count), at: count)
    for piece in room where !bytes.isEmpty {
      try guest.write(Array(bytes.prefix(Int(piece.length))), at: piece.place)
      bytes = bytes.dropFirst(Int(piece.length))
    }
  }

  /// From the beginning 0, from here 1, from the end 2.
  private static func seek(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let file = try guest.files.open(call.pointer(0))
    guard file.kind == .regular else { throw .refused(.isFolder) }
    let base: UInt64
    switch call.pointer(2) {
    case 0: base = 0
    case 1: base = file.position
    case 2: base = try guest.files.status(call.pointer(0)).size
    default: throw .refused(.invalid)
    }
    let (sum, overflow) = Int64(clamping: base).addingReportingOverflow(call.wide(1))
    guard !overflow, sum >= 0 else { throw .refused(.invalid) }
    try guest.store(sum, at: call.pointer(3))
    file.position = UInt64(sum)
  }

  private static func tell(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    try guest.store(try guest.files.open(call.pointer(0)).position, at: call.pointer(1))
  }

  /// Entries of 24 bytes (next, number, length of the name, type) with their names, truncated at the end of the buffer.
  private static func list(_ guest: Guest, _ call: CallArguments) throws(GuestFault) {
    let room = Int(min(call.pointer(2), UInt32(GuestFiles.longestRead)))
    let entries = try guest.files.entries(call.pointer(0))
    var bytes: [UInt8] = []
    var next = UInt64(bitPattern: call.wide(3))
    while next < entries.count, bytes.count < room {
      let entry = entries[Int(next)]
      next += 1
      let type: UInt64 = entry.kind == .regular ? 4 : entry.kind == .folder ? 3 : 0
      for number in [next, entry.inode, UInt64(entry.name.utf8.count) | type << 32] {
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      }
      bytes += entry.name.utf8
    }
    bytes = Array(bytes.prefix(room))
    try guest.write(bytes, at: call.pointer(1))
    try guest.store(UInt32(bytes.count), at: call.pointer(4))
  }

  private static func path(_ guest: Guest, _ call: CallArguments, _ index: Int) throws(GuestFault) -> String {
    guard call.pointer(index + 1) <= longestPath else { throw .refused(.nameTooLong) }
    let bytes = try guest.bytes(call.pointer(index), call.pointer(index + 1))
    guard let path = String(validating: bytes, as: UTF8.self) else { throw .refused(.badText) }
    if bytes.contains(0) { throw .refused(.invalid) }
    return path
  }
}

extension Guest {
  /// Writes a `filestat`: 64 bytes.
  fileprivate func store(_ status: FileStatus, at place: UInt32) throws(GuestFault) {
    let type: UInt64 = status.kind == .regular ? 4 : status.kind == .folder ? 3 : 0
    let numbers = [
      status.device, status.inode, type, status.links, status.size, status.accessed, status.modified, status.changed,
    ]
    try write(numbers.flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }, at: place)
  }
}
