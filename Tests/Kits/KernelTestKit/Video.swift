import CLinux
import CV4L2
import Glibc
import Linux

/// The kernel's virtual camera (Documentation/admin-guide/media/vivid.rst); its platform device can be unplugged.
package struct VirtualCamera {
  private static let driver = "/sys/bus/platform/drivers/vivid"

  /// - Throws: `Skip` when the module is not loaded.
  package init() throws {
    if !KernelFile.exists(Self.driver) { throw Skip("the module vivid is not here (\(Self.driver))") }
  }

  package func unplug() throws { try KernelFile.write("\(Self.driver)/unbind", "vivid.0") }
  package func plug() throws { try KernelFile.write("\(Self.driver)/bind", "vivid.0") }

  /// Plugs the camera in if it is unplugged.
  package func restore() throws { if !KernelFile.exists("\(Self.driver)/vivid.0") { try plug() } }

  /// Whether the camera is streaming: only then vivid has a kernel thread that generates pictures.
  package var isStreaming: Bool {
    KernelFile.names("/proc").contains { name in
      name.first?.isNumber == true
        && (try? KernelFile.text("/proc/\(name)/comm"))?.hasPrefix("vivid-000-vid-c") == true
    }
  }
}

/// Whether this process has a device node open, even if its device is gone (proc(5), `/proc/pid/fd`).
package func holdsOpen(_ node: String) -> Bool {
  KernelFile.names("/proc/self/fd").contains { number in
    var bytes = [CChar](repeating: 0, count: 256)
    // SAFETY: the kernel writes at most 255 bytes into the array, which leaves a zero at its end.
    let count = unsafe "/proc/self/fd/\(number)".withCString { unsafe readlink($0, &bytes, 255) }
    let target = String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return target == node || target == "\(node) (deleted)"
  }
}

/// The writing end of a v4l2loopback device; a camera program reads the written pictures.
package struct LoopbackFeed: ~Copyable {
  private let descriptor: Descriptor

  /// Opens the device for compressed pictures.
  /// - Throws: `Skip` when the device does not exist.
  package init(_ path: String, width: UInt32, height: UInt32) throws {
    guard KernelFile.exists(path) else { throw Skip("there is no \(path): the module v4l2loopback is not here") }
    let opened = try System.open(path, O_RDWR)
    try Self.format(opened.number, path, width, height)
    descriptor = opened
  }

  private static func format(_ number: Int32, _ path: String, _ width: UInt32, _ height: UInt32) throws {
    var format = unsafe v4l2_format()
    unsafe format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT.rawValue
    unsafe format.fmt.pix.width = width
    unsafe format.fmt.pix.height = height
    unsafe format.fmt.pix.pixelformat = 0x4750_4A4D  // MJPG
    unsafe format.fmt.pix.field = V4L2_FIELD_NONE.rawValue
    unsafe format.fmt.pix.sizeimage = width * height
    // VIDIOC_S_FMT is _IOWR('V', 5, struct v4l2_format), a macro that Swift cannot import (asm-generic/ioctl.h).
    let request = 3 << 30 | UInt(unsafe MemoryLayout<v4l2_format>.size) << 16 | UInt(UInt8(ascii: "V")) << 8 | 5
    // SAFETY: the kernel reads and writes one v4l2_format.
    guard unsafe openstarry_ioctl(number, request, &format) == 0 else {
      throw SystemError("VIDIOC_S_FMT", path)
    }
  }

  /// Writes a picture.
  package borrowing func show(_ jpeg: [UInt8]) throws { try System.writeAll(descriptor.number, jpeg) }
}
