{#- An enum without fields is a union of string literals. -#}
{%- macro flat_enum(e) %}
{%- if let Some(ds) = e.docstring %}
{{ ds }}
{%- endif %}
export type {{ e.ts_name }} =
{%- for variant in e.variants %}
{%- if let Some(ds) = variant.docstring %}
{{ ds }}
{%- endif %}
    | '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}'
{%- endfor %};

const {{ e.ffi_converter_name }} = uniffiLiterals<{{ e.ts_name }}>('{{ e.ts_name }}', [
{%- for variant in e.variants %}
    '{{ heck::AsLowerCamelCase(variant.name.as_str()) }}',
{%- endfor %}
]);
{%- endmacro %}
