# Writes the report's page as C++ constants:
#   cmake -D OUTPUT=FILE.cpp -D PAGE=DIR -D LIBRARY=DIR -D "SCRIPTS=a.js b.js" -P embed_page.cmake
# Raw strings keep the sources as they are; the delimiter occurs in none of them.
file(WRITE ${OUTPUT}.new "#include \"tuner/report/page_parts.h\"\n\nnamespace halyard {\n\n")

function(embed name)
  file(APPEND ${OUTPUT}.new "constinit const std::string_view ${name} =")
  foreach(file ${ARGN})
    file(READ ${file} text)
    # ISO C++ promises 65,536 bytes of a literal; compilers join adjacent ones.
    string(LENGTH "${text}" length)
    set(at 0)
    while(at LESS length)
      string(SUBSTRING "${text}" ${at} 16000 piece)
      file(APPEND ${OUTPUT}.new "\n    R\"halyard(${piece})halyard\"")
      math(EXPR at "${at} + 16000")
    endwhile()
  endforeach()
  file(APPEND ${OUTPUT}.new ";\n\n")
endfunction()

separate_arguments(scripts UNIX_COMMAND "${SCRIPTS}")
list(TRANSFORM scripts PREPEND ${PAGE}/)
embed(kPageHtml ${PAGE}/page.html)
embed(kPageStyle ${PAGE}/style.css)
embed(kPageScript ${scripts})
embed(kChartStyle ${LIBRARY}/uPlot.min.css)
embed(kChartScript ${LIBRARY}/uPlot.iife.min.js)
file(APPEND ${OUTPUT}.new "}  // namespace halyard\n")
file(RENAME ${OUTPUT}.new ${OUTPUT})
