import CLinux
import EventLoop
import Linux
import Model
import Watchdog

/// A file of pressure stall information (PSI), with a trigger if the kernel grants one.
final class PressureFile {
  /// The resource it is about.
  let resource: Pressure.Resource
  /// To be watched for EPOLLPRI; owned by this object. nil when the kernel grants no trigger.
  let descriptor: Int32?
  /// The loop's watch of the descriptor.
  var watch: WatchID?
  /// Whether the trigger is ignored for now.
  var isMuted = false
  private let path: String

  /// Opens the file at a path.
  /// - Parameter line: the trigger (Documentation/accounting/psi.rst). Without CAP_SYS_RESOURCE kernels before 6.5
  ///   refuse it, and later ones want a window of a multiple of two seconds. nil sets none.
  /// - Returns: nil when there is no such file, or it cannot be read: no CONFIG_PSI, or `psi=0`.
  init?(_ resource: Pressure.Resource, _ path: String, trigger line: String?) {
    guard Self.read(path) != nil else { return nil }
    self.resource = resource
    self.path = path
    descriptor = line.flatMap { Self.open(path, $0)?.release() }
  }

  deinit { if let descriptor { _ = Descriptor(owning: descriptor) } }

  /// The current pressure; nil when the file cannot be read any more.
  var reading: Pressure? { Self.read(path) }

  static func read(_ path: String) -> Pressure? {
    guard let bytes = try? Files.read(path, limit: 4096) else { return nil }
    return Pressure(String(decoding: bytes, as: UTF8.self))
  }

  private static func open(_ path: String, _ line: String) -> Descriptor? {
    guard let file = try? System.open(path, O_RDWR | O_NONBLOCK) else { return nil }
    // Do not write to regular files, as in tests.
    guard isOfKernel(file.number) else { return nil }
    guard (try? System.write(file.number, Array(line.utf8)[...] + [0])) ?? 0 > 0 else { return nil }
    return file
  }

  /// Files of procfs and cgroupfs have no size.
  private static func isOfKernel(_ descriptor: Int32) -> Bool { lseek(descriptor, 0, SEEK_END) <= 0 }
}
