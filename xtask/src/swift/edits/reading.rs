//! How the generated Swift reads what comes over: from the core's own memory. Through `Data`, which is asked for each number
//! and copied for each text, a large cart takes several times as long.

use crate::bindings::edited;

/// What the generator reads from, and what stands in its place.
const READER: (&str, &str) =
    ("(data: Data, offset: Data.Index)", "(data: UnsafeRawBufferPointer, offset: Int)");

/// What the generator has, and what stands in its place.
pub(super) fn from_memory(text: &str) -> Result<String, String> {
    let text = edited(text, ONCE)?;
    match text.matches(READER.0).count() {
        0 => Err(format!("the generated code does not have this:\n{}", READER.0)),
        _ => Ok(text.replace(READER.0, READER.1)),
    }
}

const ONCE: &[(&str, &str)] = &[
    (
        "fileprivate extension Data {
    init(rustBuffer: RustBuffer) {
        self.init(
            bytesNoCopy: rustBuffer.data!,
            count: Int(rustBuffer.len),
            deallocator: .none
        )
    }
}

",
        "",
    ),
    ("func createReader(data: Data) ->", "func createReader(data: UnsafeRawBufferPointer) ->"),
    (
        "createReader(data: Data(rustBuffer: buf))",
        "createReader(data: UnsafeRawBufferPointer(start: buf.data, count: Int(buf.len)))",
    ),
    (
        "    if T.self == UInt8.self {
        let value = reader.data[reader.offset]
        reader.offset += 1
        return value as! T
    }
    var value: T = 0
    let _ = withUnsafeMutableBytes(of: &value, { reader.data.copyBytes(to: $0, from: range)})
    reader.offset = range.upperBound
",
        "    let value = reader.data.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self)
    reader.offset = range.upperBound
",
    ),
    (
        "// Reads an arbitrary number of bytes, to be used to read
// raw bytes, this is useful when lifting strings
",
        "// Shows the bytes where they are: whoever keeps them copies them.
",
    ),
    ("count: Int) throws -> Array<UInt8> {", "count: Int) throws -> UnsafeRawBufferPointer {"),
    (
        "    var value = [UInt8](repeating: 0, count: count)
    value.withUnsafeMutableBufferPointer({ buffer in
        reader.data.copyBytes(to: buffer, from: range)
    })
    reader.offset = range.upperBound
    return value
",
        "    reader.offset = range.upperBound
    return UnsafeRawBufferPointer(rebasing: reader.data[range])
",
    ),
];
