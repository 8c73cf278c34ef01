import CGPIOD
import CLinux
import Glibc
import HAL
import Linux

/// Why a line could not be requested.
enum LineFailure: Error {
  /// The chip is absent; the text says what was looked for.
  case absent(String)
  /// The board file's entry cannot work; the reason, for people.
  case impossible(String)
  /// The kernel refused.
  case failed(HALError.Fault)
}

/// The only owner of an open GPIO chip (gpiod.h, `struct gpiod_chip`).
///
/// SAFETY: `pointer` is valid from init to deinit and is lent to libgpiod's calls only.
@safe struct GPIOChip: ~Copyable {
  private let pointer: OpaquePointer
  /// Its device node.
  let path: String

  /// Opens a chip; nil, with the reason in `errno`, when the node is no GPIO chip or cannot be opened.
  init?(path: String) {
    // SAFETY: the path is a C string for the length of the call; the chip is closed by deinit.
    guard let pointer = unsafe path.withCString({ unsafe gpiod_chip_open($0) }) else { return nil }
    unsafe self.pointer = pointer
    self.path = path
  }

  deinit { unsafe gpiod_chip_close(pointer) }

  /// Finds a chip by its label, or by its name (`gpiochip0`) if no label matches.
  /// - Parameters:
  ///   - options: the chip's label, and its path if the board file gives one.
  ///   - folder: the folder of device nodes, `/dev`.
  static func find(_ options: LineOptions, in folder: String) throws(LineFailure) -> GPIOChip {
    let label = options.chip
    let nodes = ((try? Files.names(in: folder)) ?? []).filter { $0.hasPrefix("gpiochip") }
      .sorted { (Int($0.dropFirst(8)) ?? .max, $0) < (Int($1.dropFirst(8)) ?? .max, $1) }
    var named: String?
    // A node may have a second name, a link. The kernel's own name identifies the chip.
    var found: [String: String] = [:]
    var labels: [String] = []
    var refused: Int32?
    for node in nodes {
      guard let chip = GPIOChip(path: "\(folder)/\(node)") else {
        refused = errno
        if node == label { named = "\(folder)/\(node)" }
        continue
      }
      guard let (name, itsLabel) = chip.identity() else { continue }
      if itsLabel == label { found[name] = found[name] ?? chip.path }
      if name == label { named = chip.path }
      labels.append(itsLabel)
    }
    if let path = try choose(found, options, in: folder) ?? named, let chip = GPIOChip(path: path) { return chip }
    if refused == EACCES || refused == EPERM {
      throw .failed(.system(EACCES, "no permission to open the GPIO chips under \(folder): join the group gpio"))
    }
    let there = labels.isEmpty ? "there is none" : "there are \(labels.joined(separator: ", "))"
    let place = options.path.map { " at '\($0)'" } ?? ""
    throw .absent("no GPIO chip '\(label)'\(place) under \(folder): \(there); gpiodetect lists them")
  }

  /// The node of the chip that matches `options`; nil when none does.
  private static func choose(
    _ found: [String: String], _ options: LineOptions, in folder: String
  ) throws(LineFailure) -> String? {
    if options.path == nil, found.count <= 1 { return found.values.first }
    // `/sys` is beside `/dev`, also under a test's root.
    let tree = KernelTree(root: folder.hasSuffix("/dev") ? String(folder.dropLast("/dev".count)) : folder)
    let devices = found.keys.sorted().map { "/sys/bus/gpio/devices/\($0)" }
    do throws(HALError.Fault) {
      let chosen = try DeviceChoice(path: options.path).choose(
        devices, "GPIO chips labelled '\(options.chip)'", hint: "add 'path' to the chip to say which", tree)
      return found[String(chosen.split(separator: "/").last ?? "")]
    } catch {
      if case .ambiguous(let why) = error { throw .impossible(why) }
      return nil
    }
  }

  /// The kernel's name and the label; nil when the chip has gone.
  borrowing func identity() -> (name: String, label: String)? {
    // SAFETY: both texts live as long as the info, and are copied before it is freed.
    guard let info = unsafe gpiod_chip_get_info(pointer) else { return nil }
    defer { unsafe gpiod_chip_info_free(info) }
    return unsafe (String(cString: gpiod_chip_info_get_name(info)), String(cString: gpiod_chip_info_get_label(info)))
  }

  /// The offset of the line named `text`; if no line has that name, `text` is taken as the offset.
  borrowing func offset(of text: String) throws(LineFailure) -> UInt32 {
    // SAFETY: the name is a C string for the length of the call.
    let offset = unsafe text.withCString { unsafe gpiod_chip_get_line_offset_from_name(pointer, $0) }
    if offset >= 0 { return UInt32(offset) }
    let error = errno
    if error == ENODEV { throw .absent("\(path) has gone") }
    guard let number = UInt32(text) else {
      throw .impossible("\(path) has no line named '\(text)'; gpioinfo lists them")
    }
    // SAFETY: the info is freed below.
    guard let info = unsafe gpiod_chip_get_info(pointer) else { throw .absent("\(path) has gone") }
    defer { unsafe gpiod_chip_info_free(info) }
    let count = unsafe gpiod_chip_info_get_num_lines(info)
    guard number < count else {
      throw .impossible("\(path) has the lines 0 to \(count - 1), not \(number)")
    }
    return number
  }

  /// The consumer of a line; nil when it is unused or the kernel does not know.
  borrowing func consumer(of offset: UInt32) -> String? {
    // SAFETY: the text lives as long as the info, and is copied before it is freed.
    guard let info = unsafe gpiod_chip_get_line_info(pointer, offset) else { return nil }
    defer { unsafe gpiod_line_info_free(info) }
    guard unsafe gpiod_line_info_is_used(info), let name = unsafe gpiod_line_info_get_consumer(info) else { return nil }
    return unsafe String(cString: name)
  }

  /// Requests one line.
  /// - Parameter consumer: the name shown by gpioinfo(1); the kernel keeps 31 bytes of it.
  /// - Returns: the request, owned by the caller; nil, with `errno`, when the kernel refuses.
  borrowing func request(_ offset: UInt32, _ settings: borrowing LineSettings, consumer: String) -> OpaquePointer? {
    // SAFETY: the configuration is ours and freed below.
    guard let request = unsafe gpiod_request_config_new() else { return nil }
    defer { unsafe gpiod_request_config_free(request) }
    // SAFETY: libgpiod copies the text.
    unsafe consumer.withCString { unsafe gpiod_request_config_set_consumer(request, $0) }
    return unsafe settings.withConfiguration(of: offset) { configuration in
      // SAFETY: all three objects are valid for the length of the call.
      unsafe gpiod_chip_request_lines(pointer, request, configuration)
    }
  }
}
