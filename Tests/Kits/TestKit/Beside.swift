import Linux

/// Programs that were built beside the tests.
public enum Beside {
  /// - Returns: its path; the name alone, which PATH is searched for, where it was not built.
  public static func path(_ name: String) -> String {
    var maps = (try? Files.read("/proc/self/maps")) ?? []
    maps.append(10)
    // The tests are a library within the test program, or the program itself.
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") where line.hasSuffix(".xctest") {
      if let slash = line.firstIndex(of: "/") {
        let path = Files.join(Files.folder(of: String(line[slash...])), name)
        if Files.isFile(path) { return path }
      }
    }
    return name
  }
}
